"""The protocol's document in the order in which people read it: ways in, topics, pushes, events, types, codes.

Everything comes from the AsyncAPI document. A reader may have a role: then only what concerns that one is there.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from channels.member import RoleName
from server.views.docs.lookup import Lookup, Part, name_of, payload
from server.views.docs.types import (
    Field,
    Word,
    example_lines,
    fields_of,
    paragraphs_of,
    type_words,
    values_of,
    words_of,
)


class Transport(NamedTuple):
    """What a transport is like, and where each role comes in by it."""

    description: list[Word]
    addresses: list[str]


class Line(NamedTuple):
    """What may be pushed or received in a topic, and by whom; `reply` is the type of the response."""

    name: str
    anchor: str
    roles: list[str]
    reply: list[Word]
    delivery: str


class Topic(NamedTuple):
    """A topic: who may join it, what may be pushed there, what is sent there."""

    anchor: str
    address: str
    description: list[Word]
    roles: list[str]
    pushes: list[Line]
    events: list[Line]


class Section(NamedTuple):
    """What is said of a push, an event, a type or anything else that has fields, or values with a meaning."""

    anchor: str = ""
    name: str = ""
    paragraphs: Sequence[list[Word]] = ()
    fields: Sequence[Field] = ()
    values: Sequence[tuple[str, list[Word]]] = ()
    example: str = ""
    delivery: str = ""
    replies: Sequence[Word] = ()


class Reader:
    """A document, for one role or for all."""

    def __init__(self, document: Part, role: RoleName | None = None) -> None:
        self._document = document
        self._role = role
        self._lookup = Lookup(document)
        self._operations = [each for each in document["operations"].values() if self._concerns(each)]
        self._sections = {self._anchor(each): each for each in self._operations}
        # A type that only one push or event has for a payload is told there; `Nothing` says nothing of it.
        payloads = {anchor: name_of(self._payload(each)) for anchor, each in self._sections.items()}
        self._anchors = {name: anchor for anchor, name in payloads.items() if name not in ("", "Nothing")}
        # What replies may list as an event, though this role receives no such event: it is named, and not described.
        others = {name_of(self._payload(each)) for each in document["operations"].values() if not self._concerns(each)}
        self._foreign = others - self._anchors.keys()

    def _concerns(self, part: Part) -> bool:
        return self._role is None or self._role in _roles(part)

    def _anchor(self, operation: Part) -> str:
        kind = "push" if operation["action"] == "receive" else "event"
        return f"{kind}-{self._lookup.message(operation)['name']}"

    def _payload(self, operation: Part) -> Part:
        return payload(self._lookup.message(operation))

    def _anchor_of(self, name: str) -> str:
        return "" if name in self._foreign else self._anchors.get(name, f"type-{name}")

    # The connection

    @property
    def introduction(self) -> list[list[Word]]:
        """What to know first."""
        return paragraphs_of(self._document["info"]["description"])

    @property
    def transports(self) -> list[Transport]:
        """Where to connect to."""
        found: dict[str, list[str]] = {}
        for each in filter(self._concerns, self._document["servers"].values()):
            address = f"{each['protocol']}://{each['host']}{each['pathname']}"
            found.setdefault(each["description"], []).append(address)
        return [Transport(words_of(description), addresses) for description, addresses in found.items()]

    @property
    def query(self) -> Section:
        """What the address of a connection may carry."""
        binding = self._document["components"]["channelBindings"]["socket"]["ws"]
        return Section(fields=fields_of(binding["query"], self._anchor_of))

    @property
    def credentials(self) -> Section:
        """What a client may show."""
        schemes = self._document["components"]["securitySchemes"]
        return Section(values=[(name, words_of(scheme["description"])) for name, scheme in schemes.items()])

    @property
    def deliveries(self) -> Section:
        """The ways in which an event may reach a client."""
        return Section(values=[(name, words_of(text)) for name, text in self._document["x-deliveries"].items()])

    @property
    def codes(self) -> Section:
        """Why something may be refused."""
        return Section(values=values_of(self._lookup.schemas["Code"]))

    @property
    def closings(self) -> list[dict[str, Any]]:
        """How the server ends a connection."""
        found: list[dict[str, Any]] = self._document["x-close-codes"]
        return found

    # What is said

    @property
    def topics(self) -> list[Topic]:
        """Every topic, with what is said there."""
        return [self._topic(key, each) for key, each in self._document["channels"].items() if self._concerns(each)]

    def _topic(self, key: str, channel: Part) -> Topic:
        here = [each for each in self._operations if name_of(each["channel"]) == key]
        pushes = [self._line(each) for each in here if each["action"] == "receive"]
        events = [self._line(each) for each in here if each["action"] == "send"]
        address, description = channel["address"], words_of(channel["description"])
        return Topic(f"topic-{key}", address, description, _roles(channel), pushes, events)

    def _line(self, operation: Part) -> Line:
        message = self._lookup.message(operation)
        reply = type_words(self._lookup.response(operation), self._anchor_of) if "reply" in operation else []
        delivery = message.get("x-delivery", "")
        return Line(message["name"], self._anchor(operation), _roles(operation), reply, delivery)

    @property
    def pushes(self) -> list[Section]:
        """Every push, once."""
        return [self._section(anchor) for anchor, each in self._sections.items() if each["action"] == "receive"]

    @property
    def events(self) -> list[Section]:
        """Every event, once."""
        return [self._section(anchor) for anchor, each in self._sections.items() if each["action"] == "send"]

    def _section(self, anchor: str) -> Section:
        message = self._lookup.message(self._sections[anchor])
        schema = self._lookup.schema(payload(message))
        return Section(
            anchor,
            message["name"],
            paragraphs_of(message["description"]),
            fields_of(schema, self._anchor_of),
            example=example_lines(message["examples"][0]["payload"]),
            delivery=message.get("x-delivery", ""),
            replies=self._replies(anchor),
        )

    def _replies(self, anchor: str) -> list[Word]:
        lines = [self._line(each) for each in self._operations if self._anchor(each) == anchor]
        return list(dict.fromkeys(word for line in lines for word in line.reply))

    @property
    def types(self) -> list[Section]:
        """Every type that is mentioned and has no section as a push or an event."""
        return [self._type(name) for name in sorted(self._mentioned)]

    @property
    def _mentioned(self) -> set[str]:
        return self._lookup.mentioned(self._operations) - self._anchors.keys() - self._foreign

    def _type(self, name: str) -> Section:
        schema = self._lookup.schemas[name]
        fields = fields_of(schema, self._anchor_of)
        return Section(f"type-{name}", name, paragraphs_of(schema["description"]), fields, values_of(schema))


def _roles(part: Part) -> list[str]:
    return [tag["name"] for tag in part["tags"]]
