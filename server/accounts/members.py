"""A cache of the members that this worker has read, so that connecting again costs no SQL.

`forget` drops members when the database says that they have changed. A read that began before a change may end after
it. So each `forget` has a number, and a member is read again if it was forgotten after its read began. No call
that begins after `forget` returns older data.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from channels.hours import NO_SCHOOL_HOURS, SchoolHours
from channels.journal.batch_reader import BatchReader
from channels.journal.file_version import Version
from channels.lesson.rules import Role
from channels.member import Classroom, Member, RoleName
from channels.roles import ROLES
from server.clock import Clock
from server.databases import DbSessions, reading, version_of
from server.databases.credentials import BROWSER
from server.databases.directory import (
    SignIn,
    StoredSignIns,
    find_member,
    latest_sign_ins,
    read_classrooms,
    sign_ins_by_id,
    sign_ins_by_secret,
)
from server.databases.school import read_hours, read_name_and_settings
from server.databases.school_settings import SchoolSettings

# About as many sign-ins as one worker may have connections, at 1 KB each.
MAX_KEPT = 50_000
# Sign-ins read in advance: those of a school of 30,000, each in eight classes, in 0.3 s and 20 MB.
MAX_AHEAD = 30_000

_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class School:
    """What all members share: the school's name, its classes by id, ordered by title, their hours, its settings."""

    name: str
    classrooms: Mapping[int, Classroom]
    hours: SchoolHours
    settings: SchoolSettings


class FreshSchool(NamedTuple):
    """The school as it was read before it was forgotten, and how many calls of `forget` there had been by then."""

    school: School
    begun: int


@dataclass(slots=True)
class _Kept:
    member: Member
    secret_hash: bytes
    kind: str
    expires_at: int
    used_at: int | None = None


class Members:
    """Reads members and caches the `max_kept` most recently used ones."""

    def __init__(
        self, sessions: DbSessions, clock: Clock, roles: Collection[Role] = ROLES, *, max_kept: int = MAX_KEPT
    ) -> None:
        self._roles: Mapping[RoleName, Role] = {role.name: role for role in roles}
        self._max_kept = max_kept
        self._sessions = sessions
        self._clock = clock
        self._forgets = 0  # calls of `forget` so far; below, the number of the last call of each kind
        self._forgotten: dict[int, int] = {}  # by user
        self._all_forgotten = 0
        self._school_forgotten = 0
        self._school: School | None = None
        self._reading = asyncio.Lock()
        self.hours = NO_SCHOOL_HOURS  # as last read
        self.settings = SchoolSettings()  # as last read
        self.withheld = self.settings.withheld
        self._kept: dict[bytes, _Kept] = {}  # the least recently used first
        self._hashes: dict[int, set[bytes]] = {}  # by user
        self._ahead = StoredSignIns()
        self._ahead_begun = 0
        # The file's version up to which all changes of rights are applied; None: this process alone makes them.
        self._ahead_version: Version | None = None
        self._by_secret = BatchReader(self._read_by_secret)
        self._by_credential = BatchReader(self._read_by_credential)

    async def by_secret(self, secret_hash: bytes) -> Member | None:
        """Return the member behind a valid sign-in, or None."""
        return self.recall(secret_hash) or await self._read(self._by_secret, secret_hash)

    def recall(self, secret_hash: bytes) -> Member | None:
        """Return the member behind a valid sign-in where no query is needed, or None."""
        kept = self._kept.pop(secret_hash, None)
        if kept is not None and kept.expires_at <= self._clock():
            self._drop_hash(kept)
            kept = None  # another worker may have extended it: read it again
        if kept is not None:
            self._kept[secret_hash] = kept
            return kept.member
        kept = self._take_ahead(secret_hash)
        if kept is None:
            return None
        self._keep(kept)
        return kept.member

    async def read_ahead(self, limit: int = MAX_AHEAD, *, alone: bool) -> None:
        """Read at most `limit` sign-ins in advance, those whose end is furthest away.

        Not `alone`: other workers change rights, too. What was read holds only while the file's version shows that
        nothing was written since (`note_unchanged`); where there is no file, nothing is read.
        """
        begun, version = self._forgets, version_of(self._sessions)
        if not alone and version is None:
            return
        self._ahead_version = None if alone else version
        self._ahead = await latest_sign_ins(self._sessions, self._clock(), limit)
        self._ahead_begun = begun

    def note_unchanged(self, version: Version | None) -> None:
        """Note that all changes of rights up to this version of the file have been applied here."""
        if version is not None and self._ahead_version is not None:
            self._ahead_version = version

    def forget_ahead(self) -> None:
        """Drop the sign-ins that were read in advance and have not come."""
        self._ahead = StoredSignIns()

    def _take_ahead(self, secret_hash: bytes) -> _Kept | None:
        if self._ahead_version is not None and (not self._ahead or version_of(self._sessions) != self._ahead_version):
            return None
        sign_in = self._ahead.take(secret_hash)
        if sign_in is None or self._school is None or sign_in.expires_at <= self._clock():
            return None
        kept = self._known(sign_in, self._school)
        return kept if kept is not None and self._is_valid(kept, self._ahead_begun) else None

    def extend(self, secret_hash: bytes, before: int, until: int) -> int | None:
        """Set the expiry of a browser's sign-in in memory to `until` if it is before a time; return its id, or None."""
        kept = self._kept.get(secret_hash)
        if kept is None or kept.kind != BROWSER or kept.expires_at >= before:
            return None
        kept.expires_at = until
        return kept.member.credential_id

    def use(self, secret_hash: bytes, before: int, now: int) -> int | None:
        """Note in memory that a program's token is used, if it was not since a time; return its id then, or None."""
        kept = self._kept.get(secret_hash)
        if kept is None or kept.kind == BROWSER or (kept.used_at or 0) > before:
            return None
        kept.used_at = now
        return kept.member.credential_id

    async def by_credential(self, credential_id: int) -> Member | None:
        """Read a sign-in from the database, even if it is cached."""
        return await self._read(self._by_credential, credential_id)

    async def by_user(self, user_id: int) -> Member | None:
        """Read a user as if they had signed in; None where they may not."""
        school = await self.school()
        async with reading(self._sessions) as db:
            found = await find_member(db, user_id)
        kept = self._known(found, school) if found is not None else None
        return kept.member if kept is not None else None

    async def school(self) -> School:
        """Return the school's name and classes; of many who ask for a school that was forgotten, one reads it."""
        school = self._school
        if school is not None:
            return school
        async with self._reading:
            while (school := self._school) is None:
                self._keep_school(await self.fresh_school())
        return school

    async def fresh_school(self) -> FreshSchool:
        """Read the school anew for `forget`: until then, others go on with the one of before.

        At 100,000 users counting who is in which class takes 0.2 s, and on a busy machine more than a second.
        """
        begun = self._forgets
        async with reading(self._sessions) as db:
            classrooms = MappingProxyType(await read_classrooms(db))
            name, settings = await read_name_and_settings(db)
            return FreshSchool(School(name, classrooms, await read_hours(db), settings), begun)

    def _keep_school(self, fresh: FreshSchool) -> None:
        school = fresh.school
        if self._school_forgotten <= fresh.begun:
            self._school, self.hours, self.settings = school, school.hours, school.settings
            self.withheld = school.settings.withheld

    def forget(self, user_ids: Iterable[int] | None, *, school: bool = False, fresh: FreshSchool | None = None) -> None:
        """Drop these users, or everybody and the school (None), or the school as well; also reads under way.

        The school is from now on the `fresh` one, unless it was forgotten while that was read.
        """
        self._forgets += 1
        is_newest = fresh is not None and self._school_forgotten <= fresh.begun
        self._drop(user_ids, school=school)
        if fresh is not None and is_newest:
            self._keep_school(fresh._replace(begun=self._forgets))

    def _drop(self, user_ids: Iterable[int] | None, *, school: bool) -> None:
        if user_ids is None:
            self._forget_all()
            return
        if school:
            self._school_forgotten = self._forgets
            self._school = None
        for user_id in user_ids:
            self._forgotten[user_id] = self._forgets
            for secret_hash in self._hashes.pop(user_id, ()):
                self._kept.pop(secret_hash, None)

    def _forget_all(self) -> None:
        self._all_forgotten = self._school_forgotten = self._forgets
        self._school = None
        for each in (self._forgotten, self._kept, self._hashes):
            each.clear()

    async def _read(self, reader: BatchReader[_K, _Kept], key: _K) -> Member | None:
        while True:
            begun = self._forgets
            found = await reader.read(key)
            if found is None:
                return None
            if self._is_valid(found, begun):
                self._keep(found)
                return found.member

    def _is_valid(self, found: _Kept, begun: int) -> bool:
        """Return whether nothing that was read has been forgotten since the read began."""
        forgotten = self._forgotten.get(found.member.user.id, 0)
        return max(self._all_forgotten, self._school_forgotten, forgotten) <= begun

    def _keep(self, kept: _Kept) -> None:
        self._kept[kept.secret_hash] = kept
        self._hashes.setdefault(kept.member.user.id, set()).add(kept.secret_hash)
        if len(self._kept) > self._max_kept:
            self._drop_hash(self._kept.pop(next(iter(self._kept))))

    def _drop_hash(self, kept: _Kept) -> None:
        hashes = self._hashes[kept.member.user.id]
        hashes.discard(kept.secret_hash)
        if not hashes:
            del self._hashes[kept.member.user.id]

    async def _read_by_secret(self, hashes: Collection[bytes]) -> dict[bytes, _Kept]:
        school = await self.school()
        return self._all_known(await sign_ins_by_secret(self._sessions, hashes, self._clock()), school)

    async def _read_by_credential(self, ids: Collection[int]) -> dict[int, _Kept]:
        school = await self.school()
        return self._all_known(await sign_ins_by_id(self._sessions, ids, self._clock()), school)

    def _all_known(self, found: Mapping[_K, SignIn], school: School) -> dict[_K, _Kept]:
        return {key: kept for key, sign_in in found.items() if (kept := self._known(sign_in, school)) is not None}

    def _known(self, sign_in: SignIn, school: School) -> _Kept | None:
        # An account whose role this server does not have (another release created it) has no rights here.
        role = self._roles.get(sign_in.user.role)
        return _kept(sign_in, _classes(sign_in, role, school)) if role is not None else None


def _kept(sign_in: SignIn, classes: Mapping[int, Classroom]) -> _Kept:
    ends, only_reads = sign_in.expires_at, sign_in.only_reads
    member = Member(sign_in.user, sign_in.login, sign_in.credential_id, classes, ends, only_reads)
    return _Kept(member, sign_in.secret_hash, sign_in.kind, ends, sign_in.used_at)


def _classes(sign_in: SignIn, role: Role, school: School) -> Mapping[int, Classroom]:
    # Members who see all classes share one mapping; all members share the class objects: a school may have thousands.
    if role.sees_all_classes:
        return school.classrooms
    found = {id_: school.classrooms[id_] for id_ in sign_in.class_ids if id_ in school.classrooms}
    return found | {each.id: each for each in sign_in.ended}
