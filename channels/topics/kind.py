"""The table of topic kinds: how each kind's topics are named, whom they are for, what is folded and shown there.

    "class:7", user 12  --parse_wire-->  TopicAddress(CLASS, "class:7", "class:7", number=7)
    "user:me", user 12  --parse_wire-->  TopicAddress(USER, "user:12", "user:me", number=12)

A topic has two names: the one that clients write, and the one that journal and broker know it by. They differ only for
a user's own topic. No other module takes a name apart or puts one together.

This table says nothing of rights: which role may join a topic, and what it may push there, stands in the roles' files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import NamedTuple

# One way only to write a number, so that no class has two topics. At most 18 digits: a 64-bit key.
_PLACEHOLDERS = {
    "{id}": "(?P<id>[1-9][0-9]{0,17})",
    "{role}": "(?P<role>[a-z]{1,32})",
    "{key}": "(?P<key>[0-9a-f]{16})",
}
_ID_OR_NOBODY = "(?P<id>0|[1-9][0-9]{0,17})"


class Audience(Enum):
    """The audience of a kind of topic: the users who can join it and who are counted in its receipts."""

    ENROLLED = "users enrolled in the class that the topic names"
    SCHOOL = "users of the roles that may join it"
    OWNER = "one user"
    AUTHOR = "the user whom the topic names, and roles that see all classes"


@dataclass(frozen=True, slots=True, eq=False)
class TopicKind:
    """One row of the table; a row equals itself only.

    `wire` and `inside` are the names of such a topic, for clients and for journal and broker (empty: the same), with
    `{id}` for a number, `{role}` for a role's plural and `{key}` for a key. `presence`: members are shown to each
    other. `features` names the features whose state is in the join reply. `lists_rights`: the join reply also says who
    the user is and what they may join. `searched`: its events are found by what they say. `outlives`: its number may
    be 0, of a user who was erased. `meaning` describes the kind in the protocol's document.
    """

    name: str
    wire: str
    meaning: str
    audience: Audience
    inside: str = ""
    presence: bool = False
    features: tuple[str, ...] = ()
    lists_rights: bool = False
    searched: bool = False
    outlives: bool = False

    def address(self, number: int = 0, part: str = "") -> "TopicAddress":
        """Return the address of one topic of this kind; `number` stands for `{id}`, `part` for what else it has."""
        wire_name = self.wire.format(id=number, role=part, key=part)
        name = self.inside.format(id=number, role=part, key=part) if self.inside else wire_name
        return TopicAddress(self, name, wire_name, number, part)


class TopicAddress(NamedTuple):
    """One topic: its kind, its name for journal and broker, its name for clients, and what these names contain.

    `number` is the class's or the user's id, 0 where the kind has none; `part` the role's plural or the key, or empty.
    """

    kind: TopicKind
    name: str
    wire_name: str
    number: int = 0
    part: str = ""


CLASS = TopicKind(
    "class",
    "class:{id}",
    "A class: its chat, its announcements, who is there. A user joins the classes that they are enrolled in; a role "
    "that sees the whole school joins any.",
    Audience.ENROLLED,
    presence=True,
    features=(
        "announcements",
        "called",
        "hands",
        "hours",
        "lock",
        "mute",
        "pins",
        "polls",
        "slow",
        "lesson",
        "last_lesson",
    ),
    searched=True,
)
CLASS_STAFF = TopicKind(
    "staff",
    "class:{id}:staff",
    "What concerns a class and only its staff sees: its teachers, and the principal. `user:me` does not list it.",
    Audience.ENROLLED,
    features=("flags", "mutes", "notes"),
)
ROLE = TopicKind(
    "role",
    "role:{role}",
    "Announcements to all {role}.",
    Audience.SCHOOL,
    features=("announcements",),
    searched=True,
)
SCHOOL = TopicKind(
    "school",
    "school",
    "Announcements to the whole school.",
    Audience.SCHOOL,
    features=("announcements",),
    searched=True,
)
USER = TopicKind(
    "user",
    "user:me",
    "The user's own topic: who they are and what they may join, then what concerns nobody else.",
    Audience.OWNER,
    inside="user:{id}",
    lists_rights=True,
)
PRINCIPALS = TopicKind(
    "principals",
    "principals",
    "What principals alone see: flags on messages of teachers, in which classes flags wait for the staff, and where "
    "the newest announcements of the school are.",
    Audience.SCHOOL,
    features=("flags", "flagged_classes", "announced"),
)
ANNOUNCEMENT = TopicKind(
    "announcement",
    "announcement:{id}:{key}",
    "Who has acknowledged an announcement: for its author, whose id the topic names, and the principal. The `key` is "
    "the announcement's. `user:me` does not list it.",
    Audience.AUTHOR,
    outlives=True,
)
DASHBOARD = TopicKind(
    "dashboard", "dashboard", "The whole school in numbers.", Audience.SCHOOL, features=("dashboard",)
)

# Names whose topics are remembered: a large school's classes. Each join and each page resolves some; 4 µs for another.
KEPT_NAMES = 4_096

KINDS = (CLASS, CLASS_STAFF, ROLE, SCHOOL, USER, PRINCIPALS, ANNOUNCEMENT, DASHBOARD)


def parse_wire(wire_name: str, user_id: int, kinds: tuple[TopicKind, ...] = KINDS) -> TopicAddress | None:
    """Return the topic that a user means by a name on the wire; None where no kind has such a name."""
    address = _parsed(wire_name, kinds)
    if address is None or address.kind.audience is not Audience.OWNER:
        return address
    return address.kind.address(user_id)


@lru_cache(maxsize=KEPT_NAMES)
def _parsed(wire_name: str, kinds: tuple[TopicKind, ...]) -> TopicAddress | None:
    for kind in kinds:
        found = _pattern(kind.wire, kind.outlives).fullmatch(wire_name)
        if found is not None:
            given = found.groupdict()
            number = int(given.get("id", 0))
            name = kind.inside.format(id=number) if kind.inside else wire_name
            return TopicAddress(kind, name, wire_name, number, _part(given))
    return None


def parse_name(name: str, kinds: tuple[TopicKind, ...] = KINDS) -> TopicAddress:
    """Return the topic that journal and broker know by this name; raises ValueError where no kind has such a name."""
    for kind in kinds:
        template = kind.inside or kind.wire
        # Looked at first: each user who connects has a topic of their own, and five patterns take 15 µs.
        if not name.startswith(_beginning(template)):
            continue
        found = _pattern(template, kind.outlives).fullmatch(name)
        if found is not None:
            given = found.groupdict()
            return kind.address(int(given.get("id", 0)), _part(given))
    raise ValueError(f"no kind of topic is named like {name!r}")


def class_topic(class_id: int) -> str:
    """Return the name of a class's topic, for clients and inside."""
    return CLASS.wire.format(id=class_id)


def class_staff_topic(class_id: int) -> str:
    """Return the name of the topic of a class's staff, for clients and inside."""
    return CLASS_STAFF.wire.format(id=class_id)


def role_topic(plural: str) -> str:
    """Return the name of the topic of a role, given as in "students"; for clients and inside."""
    return ROLE.wire.format(role=plural)


def user_topic(user_id: int) -> str:
    """Return the name of a user's own topic for journal and broker."""
    return USER.inside.format(id=user_id)


def announcement_topic(author_id: int, key: str) -> str:
    """Return the name of the topic of an announcement's acknowledgements, for clients and inside."""
    return ANNOUNCEMENT.wire.format(id=author_id, key=key)


def _part(given: Mapping[str, str]) -> str:
    return given.get("role") or given.get("key") or ""


@cache
def _beginning(template: str) -> str:
    return template.partition("{")[0]


@cache
def _pattern(template: str, outlives: bool) -> re.Pattern[str]:
    parts = re.split("({id}|{role}|{key})", template)
    placeholders = {**_PLACEHOLDERS, "{id}": _ID_OR_NOBODY} if outlives else _PLACEHOLDERS
    return re.compile("".join(placeholders.get(part, re.escape(part)) for part in parts), re.ASCII)
