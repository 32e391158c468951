"""Who a client is, and what it has been given.

These are values: whoever checks credentials makes them (`Authority`), and the engine compares topics with them at
every event. Nothing here knows of databases, cookies or sockets.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from channels.field import Identity, Name


class Role(StrEnum):
    """What kind of user somebody is; each has a socket, a table of rules and pages of its own."""

    STUDENT = "student"
    TEACHER = "teacher"
    PRINCIPAL = "principal"


class User(msgspec.Struct, frozen=True):
    """Somebody as others see them, just as it goes over the wire."""

    id: Identity
    name: Name
    role: Annotated[Role, msgspec.Meta(examples=["student"])]


class Classroom(msgspec.Struct, frozen=True):
    """A class as its members see it; `students` is how many are enrolled now."""

    id: int
    title: str
    students: int = 0

    @property
    def topic(self) -> str:
        """The topic that carries this class."""
        return f"class:{self.id}"


class Member(msgspec.Struct, frozen=True):
    """One sign-in of a user, with all that it gives.

    `credential_id` names the sign-in (a browser's session or a program's token), so that ending it can end the
    sockets opened with it. `classes` maps a class' id to the class: those the user is enrolled in; every class of
    the school for the principal.
    """

    user: User
    login: str
    credential_id: int
    classes: Mapping[int, Classroom]


class Authority(Protocol):
    """Where credentials are checked. The engine is given one; it lives outside `channels`.

    Every method may raise `channels.errors.Unavailable`.
    """

    async def authenticate(self, secret: str) -> Member | None:
        """Say whose this cookie or bearer token is, or None where it is nobody's, ended or expired."""

    async def renew(self, member: Member) -> Member | None:
        """Read the same sign-in again: None where it has ended or its account is disabled."""

    async def audience(self, topic: str, among: Collection[int]) -> tuple[list[User], int]:
        """Return which of these users a topic is meant for, in that order, and how many it is meant for in all.

        A class' topic is meant for its students, a role's for that role, the school's for students and teachers;
        others who may look in are not counted.
        """
