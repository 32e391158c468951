"""What the tables give and refuse, reckoned anew, and payloads for every push: for tests that go through all of them.

    topics_of(tables)  x  events_of(tables)  x  a member  x  a state of the class  ->  the code that refuses, or None

Everything is made from the tables and from the examples of the protocol's document: a new action, kind or role is gone
through without a line here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from channels.errors import Code
from channels.lesson.rules import Role
from channels.lesson.speech import AT_ANY_HOUR, TO_CLASS, TO_STAFF
from channels.member import Member
from channels.topics.kind import CLASS, Audience, TopicAddress, TopicKind
from server.asyncapi import TABLES, Tables
from tests.contract import contract

# The class of the tests' members, and one that nobody has.
CLASS_ID, NO_CLASS_ID = 7, 99

Pushes = tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class State:
    """A state of a class: what a teacher pushes for it, and which pushes of students it refuses, with which code."""

    pushes: Pushes = ()
    code: str = ""
    refuses: Callable[[str], bool] = lambda event: False
    after_a_message: bool = False  # the student has sent one since


def states(student_id: int) -> Mapping[str, State]:
    """Return the states of a class by their names; the student is who is muted."""
    return {
        "open": State(),
        "locked": State((("chat:lock", {}),), Code.LOCKED, lambda event: event in TO_CLASS | TO_STAFF),
        "locked with notes": State((("chat:lock", {"notes": True}),), Code.LOCKED, lambda event: event in TO_CLASS),
        "slow": State((("chat:slow", {"seconds": 60}),), Code.SLOW, lambda event: event == "message:send", True),
        "muted": State(
            (("member:mute", {"user": student_id, "minutes": 60}),), Code.MUTED, lambda event: event in TO_CLASS
        ),
        "closed": State((("chat:hours", {"mode": "lesson"}),), Code.CLOSED, lambda event: event not in AT_ANY_HOUR),
    }


# What ends every state again; where there is nothing to end, it is refused.
def to_open(student_id: int) -> Pushes:
    """Return what a teacher pushes so that the class is open."""
    return (
        ("chat:unlock", {}),
        ("chat:slow", {"seconds": 0}),
        ("member:unmute", {"user": student_id}),
        ("chat:hours", {"mode": "always"}),
        ("lesson:end", {}),
    )


STATE_CODES = frozenset({Code.LOCKED, Code.SLOW, Code.MUTED, Code.CLOSED})
# With these the engine says that there is no such right.
RIGHT_CODES = frozenset({Code.FORBIDDEN, Code.UNMATCHED_TOPIC, Code.UNKNOWN_EVENT})


def topics_of(tables: Tables, author_id: int, key: str) -> Iterator[TopicAddress]:
    """Return topics of every kind: those of a class, of a class that nobody has, and of each role."""
    for kind in tables.kinds:
        for number in (author_id,) if kind.audience is Audience.AUTHOR else _numbers(kind):
            for part in _parts(kind, tables, key):
                yield kind.address(number, part)


def _numbers(kind: TopicKind) -> tuple[int, ...]:
    return (CLASS_ID, NO_CLASS_ID) if kind.audience is Audience.ENROLLED else (0,)


def _parts(kind: TopicKind, tables: Tables, key: str) -> list[str]:
    if "{role}" in kind.wire:
        return sorted({name.partition(":")[2] for role in tables.roles for name in role.topics if "role:" in name})
    return [key if "{key}" in kind.wire else ""]


def events_of(tables: Tables) -> list[str]:
    """Return every event that some role may push, and one that none may."""
    known = {event for role in tables.roles for rule in role.topics.values() for event in rule.actions}
    return ["message:shout", *sorted(known)]


def role_of(tables: Tables, member: Member) -> Role:
    """Return a member's role."""
    return next(role for role in tables.roles if role.name == member.user.role)


def actions(tables: Tables, member: Member, address: TopicAddress) -> frozenset[str] | None:
    """Return what the tables let a member push there; None where they may not even join."""
    role = role_of(tables, member)
    rule = role.topics.get(address.wire_name, role.topics.get(address.kind.name))
    audience = address.kind.audience
    if audience is Audience.ENROLLED and address.number not in member.classes:
        return None
    if audience is Audience.AUTHOR and address.number != member.user.id and not role.sees_all_classes:
        return None
    return frozenset(rule.actions) if rule is not None else None


def refused_by(tables: Tables, member: Member, address: TopicAddress, event: str, state: State) -> str:
    """Return the code with which a class in this state refuses an event that the tables allow; empty: with none."""
    is_concerned = address.kind is CLASS and not role_of(tables, member).is_staff
    return state.code if is_concerned and state.refuses(event) else ""


@cache
def examples(tables: Tables = TABLES) -> Mapping[str, dict[str, Any]]:
    """Return an example of each push's payload, from the protocol's document."""
    document = contract(tables)
    found: dict[str, dict[str, Any]] = {}
    for operation in document.operations.values():
        if operation["action"] == "receive":
            message = document.resolve(operation["messages"][0])
            found.setdefault(message["name"], message["examples"][0]["payload"][4])
    return found
