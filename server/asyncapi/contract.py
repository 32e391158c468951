"""What clients may push where, and what they receive there, read off the tables of roles, topic kinds and features.

A topic here stands for all topics that one name in the roles' tables covers: `class` for every `class:<id>`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple, cast

import msgspec

from channels import lesson
from channels.cluster import presence
from channels.engine.joins import Join, Joined
from channels.engine.live_views import MakeLiveView
from channels.engine.membership import CLOSED
from channels.engine.user_events import EVENTS, JoinedOwn
from channels.event import EventType, Nothing
from channels.lesson.erasing import ERASED
from channels.lesson.expiry import TRIMMED
from channels.lesson.feature import Action, Feature
from channels.lesson.rules import Role, RuleBook, TopicRule
from channels.lesson.state import state_fields
from channels.member import RoleName
from channels.roles import ROLES
from channels.topics.kind import DASHBOARD, KINDS, TopicKind, parse_wire


@dataclass(frozen=True)
class Tables:
    """The tables that decide what the server says and takes; the engine is made with the same."""

    roles: tuple[Role, ...] = ROLES
    kinds: tuple[TopicKind, ...] = KINDS
    features: tuple[type[Feature[Any]], ...] = lesson.FEATURES
    live_views: tuple[MakeLiveView, ...] = lesson.LIVE_VIEWS

    @cached_property
    def rules(self) -> RuleBook:
        """The rules of the roles."""
        return RuleBook(self.roles, self.kinds)


# What a school has.
TABLES = Tables()


class Leave(msgspec.Struct):
    """Leave the topic: nothing more of it comes after `phx_close`."""


class Heartbeat(msgspec.Struct):
    """Say that the client is still there."""


class Pushable(NamedTuple):
    """An event that clients may push to a topic: the types of its payload and of the response, and the roles."""

    event: str
    payload: type[Any]
    reply: type[Any]
    roles: tuple[RoleName, ...]


class Sendable(NamedTuple):
    """A kind of event that clients are sent on a topic, and the roles whose clients get it."""

    event: EventType[Any]
    roles: tuple[RoleName, ...]


class DocumentedTopic(NamedTuple):
    """A topic: which roles may join it, what they may push there, and which events those who have joined it get.

    `address` is its name on the wire; `{id}` stands for a number, `{key}` for a key.
    """

    name: str
    address: str
    meaning: str
    roles: tuple[RoleName, ...]
    pushes: tuple[Pushable, ...]
    events: tuple[Sendable, ...]


def documented_topics(tables: Tables) -> list[DocumentedTopic]:
    """Return every topic, in the order of the table of kinds, and the connection's own last."""
    names = dict.fromkeys(name for role in tables.roles for name in role.topics)
    found = sorted(((name, _kind(name, tables)) for name in names), key=lambda each: tables.kinds.index(each[1]))
    return [*(_topic(name, kind, tables) for name, kind in found), _connection(tables)]


def _kind(name: str, tables: Tables) -> TopicKind:
    address = parse_wire(name, 1, tables.kinds)
    return address.kind if address is not None else next(kind for kind in tables.kinds if kind.name == name)


_CONNECTION = "The connection itself; it needs no join. A frame whose topic cannot be read is refused here."


def _connection(tables: Tables) -> DocumentedTopic:
    everybody = tuple(role.name for role in tables.roles)
    heartbeat = Pushable("heartbeat", Heartbeat, Nothing, everybody)
    return DocumentedTopic("phoenix", "phoenix", _CONNECTION, everybody, (heartbeat,), ())


def _topic(name: str, kind: TopicKind, tables: Tables) -> DocumentedTopic:
    rules = {role.name: role.topics[name] for role in tables.roles if name in role.topics}
    address = kind.wire if name == kind.name else name
    found = parse_wire(address, 1, tables.kinds)
    meaning = kind.meaning.format(id="{id}", key="{key}", role=found.part if found is not None else "{role}")
    sent = dict.fromkeys(_events(address, kind, rules, tables))
    events = tuple(Sendable(event, _receivers(event, rules)) for event in sent)
    return DocumentedTopic(name, address, meaning, tuple(rules), tuple(_pushes(kind, rules, tables)), events)


def _pushes(kind: TopicKind, rules: Mapping[RoleName, TopicRule], tables: Tables) -> Iterator[Pushable]:
    yield Pushable("phx_join", Join, _joined(kind, tables), tuple(rules))
    for action in _actions(rules):
        allowed = tuple(role for role, rule in rules.items() if action.event in rule.actions)
        yield Pushable(action.event, action.payload, action.reply, allowed)
    yield Pushable("phx_leave", Leave, Nothing, tuple(rules))


def _events(
    address: str, kind: TopicKind, rules: Mapping[RoleName, TopicRule], tables: Tables
) -> Iterator[EventType[Any]]:
    yield from (event for action in _actions(rules) for event in action.emits if not event.topics)
    if kind.presence:
        yield from presence.EVENTS
    emitted = (event for role in tables.roles for event in role.emitted())
    views = (cast(Any, view).event for view in tables.live_views)
    yield from (event for event in (*EVENTS, *views, *emitted) if address in event.topics)
    if kind is not DASHBOARD:  # which has no stored events
        yield from (ERASED, TRIMMED)
    yield CLOSED


def _receivers(event: EventType[Any], rules: Mapping[RoleName, TopicRule]) -> tuple[RoleName, ...]:
    if not event.follows:
        return tuple(rules)
    return tuple(role for role, rule in rules.items() if any(event in each.emits for each in rule.actions.values()))


def _actions(rules: Mapping[RoleName, TopicRule]) -> list[Action[Any, Any]]:
    return list({action.event: action for rule in rules.values() for action in rule.actions.values()}.values())


def _joined(kind: TopicKind, tables: Tables) -> type[Joined[Any]]:
    shown = tuple(each for each in (*tables.features, *tables.live_views) if cast(Any, each).name in kind.features)
    return JoinedOwn if kind.lists_rights else _joined_with_state(kind.name.capitalize(), shown)


@cache
def _joined_with_state(name: str, shown: tuple[Any, ...]) -> type[Joined[Any]]:
    state = _described(f"{name}State", state_fields(shown), "What is there now.")
    joined = _described(f"Joined{name}", [("state", state)], Joined.__doc__, bases=(Joined,))
    return cast(type[Joined[Any]], joined)


def _described(name: str, fields: list[tuple[str, Any]], text: str | None, **options: Any) -> type[msgspec.Struct]:
    made = msgspec.defstruct(name, fields, **options)
    made.__doc__ = text
    return made
