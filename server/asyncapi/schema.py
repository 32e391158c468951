"""JSON Schemas of what goes over the wire, made of the types that validate what comes and encode what goes.

They are of draft 7, as AsyncAPI wants it. What msgspec cannot know stands here: that a durable event gets its position
when it is stored, which events a reply may list, and which roles there are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from channels.errors import Code
from channels.event import Delivery, EventType
from channels.lesson.feature import Appended
from channels.member import RoleName, User
from channels.wire.codec import Broadcast

Schema = dict[str, Any]

TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NULL: Schema = {"type": "null"}
# Refs in the answer to a frame that cannot be read, as its client wrote them.
ECHOED: Schema = {"type": ["string", "integer", "null"]}


class Schemas:
    """The schemas of these types and of the events' payloads: `components` by name; `of` refers to one."""

    def __init__(self, types: Iterable[Any], events: Collection[EventType[Any]], roles: Sequence[RoleName]) -> None:
        wanted = list(dict.fromkeys([*types, *(event.payload for event in events), Appended, Broadcast, Code]))
        schemas, self.components = msgspec.json.schema_components(wanted, ref_template="#/components/schemas/{name}")
        self._of: Mapping[Any, Schema] = dict(zip(wanted, schemas, strict=True))
        durable = [event for event in events if event.delivery is Delivery.DURABLE]
        for event in durable:
            self._stamp(event)
        self._component(User)["properties"]["role"] = {"enum": list(roles), "examples": list(roles[:1])}
        self._component(Broadcast)["oneOf"] = [self._listed(event) for event in durable]
        self._component(Code)["x-enum-descriptions"] = [code.meaning for code in sorted(Code)]

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type: as a rule a reference."""
        return self._of[kind]

    def _component(self, kind: type[Any]) -> Schema:
        component: Schema = self.components[kind.__name__]
        return component

    def _stamp(self, event: EventType[Any]) -> None:
        # With just what the author is answered: see `channels.wire.codec.stamped`.
        stamp, schema = self._component(Appended), self._component(event.payload)
        schema["properties"] = schema["properties"] | stamp["properties"]
        schema["required"] = [*schema["required"], *stamp["required"]]

    def _listed(self, event: EventType[Any]) -> Schema:
        return {"properties": {"event": {"const": event.name}, "payload": self.of(event.payload)}}


def frame(event: str, payload: Schema, ref: Schema = TEXT_OR_NULL, join_ref: Schema = TEXT_OR_NULL) -> Schema:
    """Return the schema of a frame, `[join_ref, ref, topic, event, payload]`."""
    items = [
        {"title": "join_ref", **join_ref},
        {"title": "ref", **ref},
        {"title": "topic", "type": "string"},
        {"title": "event", "const": event},
        payload,
    ]
    return {"type": "array", "items": items, "minItems": len(items), "additionalItems": False}


def reply(status: str, response: Schema) -> Schema:
    """Return the schema of a reply's payload."""
    return {
        "type": "object",
        "properties": {"status": {"const": status}, "response": response},
        "required": ["status", "response"],
    }
