"""Who a client is, and what it has been given.

These are values: the `Authority` that checks credentials makes them, and the engine compares topics with them at
every event. Nothing here knows of databases, cookies or sockets.
"""

import math
import time
from collections.abc import Collection, Mapping
from typing import Annotated, Protocol

import msgspec

from channels.field import END, Identity, Name
from channels.hours import SchoolHours
from channels.topics.kind import TopicAddress, class_topic

# The name of a role; which there are stands in the table of roles (channels/roles). At most as long as its column.
RoleName = Annotated[str, msgspec.Meta(pattern="^[a-z]{1,16}" + END, examples=["student"])]

# The two roles that a class is made of: its students are counted, and its teachers named.
STUDENT = "student"
TEACHER = "teacher"


class User(msgspec.Struct, frozen=True):
    """A user as others see them, as on the wire."""

    id: Identity
    name: Name
    role: RoleName


class Classroom(msgspec.Struct, frozen=True):
    """A class as its members see it; `students` is how many are enrolled now.

    A class that has `ended` can be read by those who were in it until then.
    """

    id: int
    title: str
    students: int = 0
    ended: bool = False

    @property
    def topic(self) -> str:
        """The topic that carries this class."""
        return class_topic(self.id)


class Member(msgspec.Struct, frozen=True):
    """One sign-in of a user, with all that it gives.

    `credential_id` names the sign-in (a browser's session or a program's token), so that ending it can end the
    sockets opened with it. `classes` maps a class's id to the class: those the user is enrolled in, or, for
    a role that sees all classes, every class of the school. At `expires_at` (ms since 1970; None: never) the sign-in is
    read again: it has ended, or was extended meanwhile. `only_reads`: a program's token that may push nothing that
    changes anything.
    """

    user: User
    login: str
    credential_id: int
    classes: Mapping[int, Classroom]
    expires_at: int | None = None
    only_reads: bool = False

    def is_due(self) -> bool:
        """Tell whether the sign-in has reached its end, as far as is known here."""
        return self.expires_at is not None and time.time() * 1000 >= self.expires_at

    def seconds_left(self) -> float:
        """Return how long the sign-in still lasts, as far as is known here."""
        return math.inf if self.expires_at is None else self.expires_at / 1000 - time.time()


class Person(msgspec.Struct, frozen=True):
    """A user in the audience of some topics: one of these that is theirs, and whether they are signed in."""

    user: User
    topic: str
    is_signed_in: bool


# By role, the pushes that the school does not want of its members, although the role's file allows them; and
# `presence_state`, where it does not want them to see who is there.
Withheld = Mapping[RoleName, Collection[str]]


class Authority(Protocol):
    """Where credentials are checked. The engine is given one; it lives outside `channels`.

    Every method may raise `channels.errors.Unavailable`.
    """

    @property
    def hours(self) -> SchoolHours:
        """The hours of the school's classes, as they were a second ago at most."""

    @property
    def withheld(self) -> Withheld:
        """What the school withholds from roles, as it was a second ago at most."""

    def recall(self, secret: str) -> Member | None:
        """Say whose this credential is where that is in memory; None: `authenticate` knows, or reads."""

    async def authenticate(self, secret: str) -> Member | None:
        """Say whose this cookie or bearer token is, or None where it is nobody's, ended or expired."""

    async def renew(self, member: Member) -> Member | None:
        """Read the same sign-in again: None where it has ended or its account is disabled."""

    async def audience(
        self, topic: TopicAddress, roles: Collection[str], among: Collection[int]
    ) -> tuple[list[User], int]:
        """Return which of the users `among` a topic is meant for, in that order, and for how many it is meant in all.

        It is meant for users of these roles: of a class's topic for those enrolled in the class, of others for all.
        Who has left is not in it.
        """

    async def absent(
        self, topic: TopicAddress, roles: Collection[str], present: Collection[int], limit: int
    ) -> list[User]:
        """Return the first `limit`, by name, of those a topic is meant for who are not among `present`."""

    async def people(self, topics: Mapping[TopicAddress, Collection[str]]) -> list[Person]:
        """Return everybody whom one of these topics is meant for, by name; each has the roles that it is meant for."""

    async def member(self, user_id: int) -> Member | None:
        """Return what a user may do who need not be connected; None where they may not sign in any more."""
