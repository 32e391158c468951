"""Rights: what one rule is, and the words the roles' tables are written in.

`students.py`, `teachers.py` and `principal.py` each hold a `RoleRules`: which topics the role may join and what it may
push there, and nothing else decides that. A right is asked for at every join and every push, of the member as it
stands at that moment.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import EventType
from channels.field import ClassTitle, TopicName
from channels.lesson.feature import Action
from channels.member import Member, Role

# One way only to write a class' topic, so that no class has two. At most 18 digits: a 64-bit key.
_CLASS_TOPIC = re.compile(r"class:([1-9][0-9]{0,17})", re.ASCII)


class TopicRule(msgspec.Struct, frozen=True):
    """What one role may do with one kind of topic; `presence`: whether members are shown to each other there."""

    may_join: Callable[[Member, int], bool]
    actions: Mapping[str, Action[Any, Any]]
    presence: bool = False


class TopicEntry(msgspec.Struct, frozen=True):
    """A topic that one may join; a class' has a title, and says how many students are enrolled."""

    topic: TopicName
    title: ClassTitle
    students: int | UnsetType = UNSET


class RoleRules(msgspec.Struct, frozen=True):
    """All that one role may join and do: rules by topic, those of `class:<id>` under `class`."""

    role: Role
    topics: Mapping[str, TopicRule]

    @property
    def is_staff(self) -> bool:
        """Tell whether the role teaches or leads."""
        return self.role != "student"

    @property
    def drain_rank(self) -> int:
        """Return the place of the role when a worker drains: lower ones go first."""
        return ["student", "teacher", "principal"].index(self.role)

    def emitted(self) -> list[EventType[Any]]:
        """Return every kind of event that comes of the role's pushes."""
        return [event for rule in self.topics.values() for action in rule.actions.values() for event in action.emits]

    def resolve(self, member: Member, wire_name: str) -> tuple[TopicRule, str]:
        """Return the rule for a topic and the topic's name inside; the member may join it.

        Raises `Refused`: UNMATCHED_TOPIC where the role has no such topic, FORBIDDEN where this member has not.
        """
        found = _CLASS_TOPIC.fullmatch(wire_name)
        rule = self.topics.get("class" if found else wire_name if wire_name != "class" else "")
        if rule is None:
            raise Refused(Code.UNMATCHED_TOPIC, f"there is no topic {wire_name!r} here")
        if not rule.may_join(member, int(found[1]) if found else 0):
            raise Refused(Code.FORBIDDEN, f"{wire_name} is not one of your topics")
        return rule, f"user:{member.user.id}" if wire_name == "user:me" else wire_name

    def allows(self, member: Member, wire_name: str) -> bool:
        """Tell whether the member may join the topic."""
        try:
            self.resolve(member, wire_name)
        except Refused:
            return False
        return True

    def listing(self, member: Member) -> list[TopicEntry]:
        """Return the topics that a member may join, as `user:me` tells them."""
        named = [TopicEntry(name, "") for name in self.topics if name not in ("class", "user:me")]
        return [*(TopicEntry(each.topic, each.title, each.students) for each in member.classes.values()), *named]


def rule(
    *actions: Action[Any, Any],
    may_join: Callable[[Member, int], bool] = lambda member, number: True,
    presence: bool = False,
) -> TopicRule:
    """Write a rule: everybody of the role may join, if nothing else is said."""
    return TopicRule(may_join, {action.event: action for action in actions}, presence)


def enrolled(member: Member, class_id: int) -> bool:
    """Tell whether a class is among those the member has been given."""
    return class_id in member.classes


def known_events(roles: Iterable[RoleRules]) -> frozenset[str]:
    """Return every event that some role may push somewhere: to others it is forbidden rather than unknown."""
    return frozenset(event for rules in roles for rule in rules.topics.values() for event in rule.actions)
