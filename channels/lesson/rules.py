"""Roles and their rights, as data: what a role is, what a rule is, and how they are asked.

    students.ROLE, teachers.ROLE, …  (channels/roles)  +  KINDS (channels/topics/kind)  ->  RuleBook
    RuleBook.resolve(member, "class:7")  ->  the rule and the topic's address, or Refused

All that is true of one role stands in its `Role`; no other module compares roles' names to decide something. A right
is checked at every join and every push, of the member as it is at that moment.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import EventType
from channels.field import ClassTitle, TopicName
from channels.lesson.feature import Action
from channels.member import Member
from channels.topics.kind import CLASS, KINDS, Audience, TopicAddress, TopicKind, parse_wire


class TopicRule(msgspec.Struct, frozen=True):
    """What one role may do in one topic, or in the topics of one kind.

    `counted`: such a topic is meant for members of this role; receipts count them. `refusal` is the code for other
    actions.
    """

    actions: Mapping[str, Action[Any, Any]]
    counted: bool = False
    refusal: Code = Code.FORBIDDEN


class TopicEntry(msgspec.Struct, frozen=True):
    """A topic that the user may join; a class has a title and the number of its students.

    `ended` (true or absent): the class has ended, and can only be read.
    """

    topic: TopicName
    title: ClassTitle
    students: int | UnsetType = UNSET
    ended: bool | UnsetType = UNSET


# What a role may do in a class that has ended, where its file says nothing else.
_ENDED = TopicRule({}, refusal=Code.ENDED)


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """One row of the table of roles.

    `name` is what accounts and clients call it ("student", at most 16 small letters); `path` is the folder of its
    pages and its socket ("students"); `meaning` describes it in the protocol's document. `topics` has its rules, by the
    name of a topic ("role:students") or else of a kind of topic ("class"). `ended_class` is the rule for those of its
    topics that belong to a class that has ended.

    `is_staff`: the role teaches or leads. `waits_in_line`: a whole class of them connects at once, so they wait for a
    slot of the admission queue, and for the handshakes of the other roles. `drain_rank`: a worker that stops ends the
    sessions of low ranks first. `sees_all_classes`: its members have every class of the school, not only those they
    are enrolled in. `reads_audit`: its members read the school's audit log.
    """

    name: str
    path: str
    meaning: str
    topics: Mapping[str, TopicRule]
    ended_class: TopicRule = _ENDED
    is_staff: bool = False
    waits_in_line: bool = False
    drain_rank: int = 0
    sees_all_classes: bool = False
    reads_audit: bool = False

    @property
    def home(self) -> str:
        """The address of the role's first page."""
        return f"/{self.path}/"

    def rule(self, address: TopicAddress) -> TopicRule | None:
        """Return the role's rule for a topic, None where it has none."""
        return self.topics.get(address.wire_name) or self.topics.get(address.kind.name)

    def emitted(self) -> Iterator[EventType[Any]]:
        """Return every kind of event that comes of the role's pushes."""
        return (event for rule in self.topics.values() for action in rule.actions.values() for event in action.emits)


class RuleBook:
    """The rules of all roles; `by_name` has the roles."""

    def __init__(self, roles: Collection[Role], kinds: tuple[TopicKind, ...] = KINDS) -> None:
        self.by_name = {role.name: role for role in roles}
        # Pushes that only other roles may make are forbidden rather than unknown.
        self.known_events = frozenset(
            event for role in roles for rule in role.topics.values() for event in rule.actions
        )
        self._kinds = kinds
        self._wide = {role.name: self._wide_topics(role) for role in roles}

    def _wide_topics(self, role: Role) -> list[TopicEntry]:
        # The same for all members of a role: each of them is given it with a join.
        addresses = (parse_wire(name, 0, self._kinds) for name in role.topics)
        return [
            TopicEntry(each.wire_name, "")
            for each in addresses
            if each is not None and each.kind.audience is not Audience.OWNER
        ]

    def of(self, member: Member) -> Role:
        """Return a member's role."""
        return self.by_name[member.user.role]

    def resolve(self, member: Member, wire_name: str) -> tuple[TopicRule, TopicAddress]:
        """Return the rule for a topic that a member may join, and the topic's address.

        Raises `Refused`: UNMATCHED_TOPIC where the role has no such topic, FORBIDDEN where this member has not.
        """
        address = parse_wire(wire_name, member.user.id, self._kinds)
        if address is None:
            raise _unmatched(wire_name)
        return self.rule(member, address), address

    def rule(self, member: Member, address: TopicAddress) -> TopicRule:
        """Return the rule for a topic that a member may join; raises `Refused` as `resolve` does.

        The topics of a kind that is for the enrolled, or for an author, are for them only, whatever the role's file
        says.
        """
        role = self.by_name.get(member.user.role)
        rule = role.rule(address) if role is not None else None
        if rule is None:
            raise _unmatched(address.wire_name)
        if not self._is_of(member, address):
            raise Refused(Code.FORBIDDEN, f"{address.wire_name} is not one of your topics")
        return self.of(member).ended_class if _has_ended(member, address) else rule

    def _is_of(self, member: Member, address: TopicAddress) -> bool:
        if address.kind.audience is Audience.ENROLLED:
            return address.number in member.classes
        if address.kind.audience is Audience.AUTHOR:
            return address.number == member.user.id or self.of(member).sees_all_classes
        return True

    def reach(self, member: Member, wire_name: str, event: str) -> TopicAddress:
        """Return the address of a topic where a member may push an event; raises `Refused` as `resolve` does."""
        rule, address = self.resolve(member, wire_name)
        if event not in rule.actions:
            raise Refused(rule.refusal, f"you may not do {event} on {wire_name}")
        return address

    def allows(self, member: Member, wire_name: str) -> bool:
        """Tell whether the member may join the topic."""
        try:
            self.resolve(member, wire_name)
        except Refused:
            return False
        return True

    def permits(self, member: Member, wire_name: str, action: Action[Any, Any]) -> bool:
        """Tell whether a member may do just this action in a topic: another role may have another of the same name."""
        try:
            rule, _ = self.resolve(member, wire_name)
        except Refused:
            return False
        return rule.actions.get(action.event) is action

    def listing(self, member: Member) -> list[TopicEntry]:
        """Return the topics that a member may join, as `user:me` lists them: classes, then the others."""
        classes = member.classes.values() if CLASS.name in self.of(member).topics else ()
        entries = [TopicEntry(each.topic, each.title, each.students, each.ended or UNSET) for each in classes]
        return [*entries, *self._wide[member.user.role]]

    def readable(self, member: Member) -> list[str]:
        """Return the names of the topics that `listing` has."""
        return [each.topic for each in self.listing(member)]

    def counted(self, address: TopicAddress) -> list[str]:
        """Return the names of the roles whose members a topic is meant for."""
        rules = {role.name: role.rule(address) for role in self.by_name.values()}
        return [name for name, rule in rules.items() if rule is not None and rule.counted]


def rule(*actions: Action[Any, Any], counted: bool = False) -> TopicRule:
    """Make a rule from the actions that the role may push."""
    return TopicRule({action.event: action for action in actions}, counted)


def ended(*actions: Action[Any, Any]) -> TopicRule:
    """Make the rule for a class that has ended from the actions that the role may push there: those that read."""
    return TopicRule({action.event: action for action in actions}, refusal=Code.ENDED)


def _has_ended(member: Member, address: TopicAddress) -> bool:
    classroom = member.classes.get(address.number) if address.kind.audience is Audience.ENROLLED else None
    return classroom is not None and classroom.ended


def _unmatched(wire_name: str) -> Refused:
    return Refused(Code.UNMATCHED_TOPIC, f"there is no topic {wire_name!r} here")
