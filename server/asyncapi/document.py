"""The protocol as one AsyncAPI 3.0 document for the whole school, made of the tables and types that run.

    servers      each role's ways in
    channels     kinds of topic, tagged by the roles that may join
    operations   what the server receives (pushes, with their replies) and sends (events), tagged by role

Frames stand in it as they are on the wire by default: `[join_ref, ref, topic, event, payload]`.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from inspect import getdoc
from typing import Any

from channels import errors
from channels.engine.membership import CLOSED
from channels.errors import Closing, ErrorResponse
from channels.event import Delivery, EventType
from channels.member import RoleName
from server.asyncapi.contract import TABLES, DocumentedTopic, Pushable, Tables, documented_topics
from server.asyncapi.example import Examples
from server.asyncapi.schema import ECHOED, NULL, TEXT_OR_NULL, Schemas, frame, reply
from server.asyncapi.transport import SECURITY_SCHEMES, SOCKET_BINDING, servers, servers_of

Part = dict[str, Any]

DESCRIPTION = """\
The live classes of a school: Phoenix Channels over WebSocket or long-polling, with positions, so that a client
that comes back gets what it missed.

Each role has its own addresses (servers), for either transport. Over one connection a client joins many topics
(channels). The server receives pushes and sends events (operations); the tags of an operation name its roles.

A frame is `[join_ref, ref, topic, event, payload]`. A push with a `ref` is answered by a `phx_reply` of the same `ref`.
With `format=msgpack` frames are the same arrays in MessagePack. A client that sends objects of the same names, as in
the first version of the protocol (`vsn=1.0.0`), is answered in objects.

Ignore events and fields that you do not know: later versions add some.
"""

DELIVERIES = {
    Delivery.DURABLE: "Stored, with a position: each client gets it once, in order, also after an absence.",
    Delivery.ORDERED: "Not stored. In order with the other events of the topic.",
    Delivery.SNAPSHOT: "Only the newest counts: it replaces one that is not sent yet.",
    Delivery.EPHEMERAL: "Of the moment: dropped for a client that is behind.",
}

_KEY = "9f86d081884c7d65"
_PARAMETERS: Part = {
    "id": {"description": "The number of the class, or of the author.", "examples": ["7"]},
    "key": {"description": "The announcement's `key`.", "examples": [_KEY]},
}

_BY_REF = {"description": "A reply has the `ref` of what it answers.", "location": "$message.payload#/1"}


def make_document(url: str, tables: Tables = TABLES) -> Part:
    """Return the document for a school at this address, as in https://school.example, with these tables."""
    return {**_of_any_school(tables), "servers": servers(url, tables.roles)}


@cache
def _of_any_school(tables: Tables) -> Part:
    topics = documented_topics(tables)
    schemas = _schemas(topics, tables)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lousa",
            "version": "2.0.0",  # of Phoenix' protocol: what `vsn` says
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
            "tags": [{"name": role.name, "description": role.meaning} for role in tables.roles],
        },
        "defaultContentType": "application/json",
        "servers": {},
        "channels": {_key(topic.name): _channel(topic, tables) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic)},
        "components": {
            "messages": _messages(topics, schemas),
            "schemas": schemas.components,
            "securitySchemes": SECURITY_SCHEMES,
            "channelBindings": {"socket": SOCKET_BINDING},
        },
        "x-deliveries": DELIVERIES,
        "x-close-codes": _close_codes(),
    }


def _schemas(topics: Iterable[DocumentedTopic], tables: Tables) -> Schemas:
    pushes = [push for topic in topics for push in topic.pushes]
    types = [each for push in pushes for each in (push.payload, push.reply)]
    events = {each.event.name: each.event for topic in topics for each in topic.events}.values()
    return Schemas([*types, ErrorResponse], events, [role.name for role in tables.roles])


def _close_codes() -> list[Part]:
    closings = sorted((each for each in vars(errors).values() if isinstance(each, Closing)), key=lambda each: each.code)
    return [{"code": each.code, "reason": each.reason, "reconnect": each.reconnect} for each in closings]


# Messages


def _messages(topics: Iterable[DocumentedTopic], schemas: Schemas) -> dict[str, Part]:
    # A message of several topics is shown as it is in the first.
    messages = {"error": _reply("error", ErrorResponse, schemas)}
    for topic in topics:
        for push in topic.pushes:
            messages.setdefault(_key(push.event), _push(push, topic, schemas))
            messages.setdefault(_ok(push), _reply("ok", push.reply, schemas))
        for event, _ in topic.events:
            messages.setdefault(_key(event.name), _event(event, topic, schemas))
    return messages


def _push(push: Pushable, topic: DocumentedTopic, schemas: Schemas) -> Part:
    payload = frame(push.event, schemas.of(push.payload))
    message = _message(push.event, _meaning(push.payload), payload) | {"correlationId": _BY_REF}
    join_ref = None if topic.name == "phoenix" else "1"
    return _with_example(message, [join_ref, "1" if push.event == "phx_join" else "2"], topic, schemas)


def _reply(status: str, response: type[Any], schemas: Schemas) -> Part:
    refs = ECHOED if status == "error" else TEXT_OR_NULL
    payload = frame("phx_reply", reply(status, schemas.of(response)), refs, refs)
    return _message("phx_reply", _meaning(response), payload) | {"correlationId": _BY_REF}


def _event(event: EventType[Any], topic: DocumentedTopic, schemas: Schemas) -> Part:
    payload = frame(event.name, schemas.of(event.payload), TEXT_OR_NULL if event is CLOSED else NULL)
    message = _message(event.name, event.meaning or _meaning(event.payload), payload) | {"x-delivery": event.delivery}
    return _with_example(message, ["1", "1"] if event is CLOSED else [None, None], topic, schemas)


def _message(name: str, meaning: str, payload: Part) -> Part:
    return {"name": name, "title": name, "description": meaning, "payload": payload}


def _with_example(message: Part, refs: list[str | None], topic: DocumentedTopic, schemas: Schemas) -> Part:
    address = topic.address.format(id=7, role="students", key=_KEY)
    payload = Examples(schemas.components).of(message["payload"]["items"][4])
    return message | {"examples": [{"payload": [*refs, address, message["name"], payload]}]}


def _meaning(kind: type[Any]) -> str:
    return getdoc(kind) or ""


# Channels and operations


def _channel(topic: DocumentedTopic, tables: Tables) -> Part:
    replies = [*map(_ok, topic.pushes), "error"]
    keys = [*(_key(push.event) for push in topic.pushes), *replies, *(_key(each.event.name) for each in topic.events)]
    channel = {
        "address": topic.address,
        "description": topic.meaning,
        "servers": [_ref("servers", name) for name in servers_of(topic.roles, tables.roles)],
        "messages": {key: _ref("components/messages", key) for key in dict.fromkeys(keys)},
        "tags": _tags(topic.roles),
        "bindings": _ref("components/channelBindings", "socket"),
    }
    parameters = {name: each for name, each in _PARAMETERS.items() if f"{{{name}}}" in topic.address}
    if parameters:
        channel["parameters"] = parameters
    return channel


def _operations(topic: DocumentedTopic) -> Iterator[tuple[str, Part]]:
    name = _key(topic.name)
    channel, messages = _ref("channels", name), f"channels/{name}/messages"
    for push in topic.pushes:
        answers = [_ref(messages, _ok(push)), _ref(messages, "error")]
        yield (
            f"{name}.{_key(push.event)}",
            {
                "action": "receive",
                "channel": channel,
                "messages": [_ref(messages, _key(push.event))],
                "reply": {"channel": channel, "messages": answers},
                "tags": _tags(push.roles),
            },
        )
    for event, roles in topic.events:
        key = _key(event.name)
        sent = {"action": "send", "channel": channel, "messages": [_ref(messages, key)], "tags": _tags(roles)}
        yield f"{name}.{key}", sent


def _tags(roles: Iterable[RoleName]) -> list[Part]:
    return [{"name": role} for role in roles]


def _key(name: str) -> str:
    # What AsyncAPI lets the name of a part be made of.
    return name.replace(":", ".")


def _ok(push: Pushable) -> str:
    return f"ok.{push.reply.__name__}"


def _ref(place: str, key: str) -> Part:
    return {"$ref": f"#/{place}/{key}"}
