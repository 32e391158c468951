"""What may be said where and by whom, read off what runs: the roles' tables, the features' actions, kinds of event.

A topic here is a kind of topic, as the tables name it: `class` stands for every `class:<id>`.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

import msgspec

from channels import lesson, roles
from channels.cluster import presence
from channels.engine.joins import Join, Joined
from channels.engine.membership import CLOSED
from channels.engine.user_events import EVENTS, JoinedOwn
from channels.event import EventType, Nothing
from channels.lesson.feature import Action
from channels.lesson.rules import TopicRule
from channels.lesson.state import state_fields
from channels.member import Role
from channels.topics.kind import KINDS
from channels.topics.topic import USER_TOPIC


class Leave(msgspec.Struct):
    """Leave the topic: nothing more of it comes after `phx_close`."""


class Heartbeat(msgspec.Struct):
    """Say that the client is still there."""


class Pushable(NamedTuple):
    """An event that clients may push to a topic: the types of its payload and of the response, and whose it is."""

    event: str
    payload: type[Any]
    reply: type[Any]
    roles: tuple[Role, ...]


class TopicKind(NamedTuple):
    """A kind of topic: who may join it, what may be pushed there, and what everybody there hears."""

    name: str
    roles: tuple[Role, ...]
    pushes: tuple[Pushable, ...]
    events: tuple[EventType[Any], ...]

    @property
    def address(self) -> str:
        """The topic as clients write it; `{id}` stands for a number."""
        return "class:{id}" if self.name == "class" else self.name


def topic_kinds() -> list[TopicKind]:
    """Return every kind of topic, in the order in which the roles' tables name them, and the connection's own last."""
    names = dict.fromkeys(name for rules in roles.ROLES for name in rules.topics)
    return [*(_topic_kind(name) for name in names), _connection()]


def _connection() -> TopicKind:
    everybody = tuple(rules.role for rules in roles.ROLES)
    return TopicKind("phoenix", everybody, (Pushable("heartbeat", Heartbeat, Nothing, everybody),), ())


def _topic_kind(name: str) -> TopicKind:
    rules = {each.role: each.topics[name] for each in roles.ROLES if name in each.topics}
    return TopicKind(name, tuple(rules), tuple(_pushes(name, rules)), tuple(dict.fromkeys(_events(name, rules))))


def _pushes(name: str, rules: Mapping[Role, TopicRule]) -> Iterator[Pushable]:
    yield Pushable("phx_join", Join, _joined(name), tuple(rules))
    for action in _actions(rules):
        allowed = tuple(role for role, rule in rules.items() if action.event in rule.actions)
        yield Pushable(action.event, action.payload, action.reply, allowed)
    yield Pushable("phx_leave", Leave, Nothing, tuple(rules))


def _events(name: str, rules: Mapping[Role, TopicRule]) -> Iterator[EventType[Any]]:
    yield from (event for action in _actions(rules) for event in action.emits if event.topic is None)
    if any(rule.presence for rule in rules.values()):
        yield from presence.EVENTS
    yield from (
        event for event in (*EVENTS, *(view.event for view in lesson.LIVE_VIEWS), *_emitted()) if event.topic == name
    )
    yield CLOSED


def _actions(rules: Mapping[Role, TopicRule]) -> list[Action[Any, Any]]:
    return list({action.event: action for rule in rules.values() for action in rule.actions.values()}.values())


def _emitted() -> Iterator[EventType[Any]]:
    rules = (rule for each in roles.ROLES for rule in each.topics.values())
    return (event for rule in rules for action in rule.actions.values() for event in action.emits)


def _joined(name: str) -> type[Joined[Any]]:
    return JoinedOwn if name == USER_TOPIC else _joined_with_state(name.partition(":")[0])


@cache
def _joined_with_state(kind: str) -> type[Joined[Any]]:
    name, features = kind.capitalize(), next(each.features for each in KINDS if each.name == kind)
    fields = state_fields([each for each in (*lesson.FEATURES, *lesson.LIVE_VIEWS) if each.name in features])
    state = _described(f"{name}State", fields, "What is there now.")
    joined = _described(f"Joined{name}", [("state", state)], Joined.__doc__, bases=(Joined,))
    return cast(type[Joined[Any]], joined)


def _described(name: str, fields: list[tuple[str, Any]], text: str | None, **options: Any) -> type[msgspec.Struct]:
    made = msgspec.defstruct(name, fields, **options)
    made.__doc__ = text
    return made
