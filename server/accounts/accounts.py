"""The members behind cookies and tokens, and what they may do, for the pages and for the engine.

A sign-in is 32 random bytes, given to its owner once; the database keeps their SHA-256 (a slow hash is not needed:
nobody guesses 256 bits). A change that withdraws a right writes a note (databases/changes.py). The other workers read
it within a second; this worker applies the change at once.
"""

import asyncio
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping

from channels.hours import Hours, SchoolHours, Spans
from channels.journal.file_version import Version
from channels.lesson.rules import Role
from channels.member import STUDENT, TEACHER, Classroom, Member, Person, User, Withheld
from channels.roles import ROLES
from channels.topics.kind import Audience, TopicAddress
from server.accounts.badges import Badges
from server.accounts.browser_sign_in import SIGN_IN_MS
from server.accounts.card_office import CardOffice
from server.accounts.first_administrator import FirstAdministrator
from server.accounts.identifiers import by_name, normal_login
from server.accounts.local_sign_in import LocalSignIn
from server.accounts.logo import SchoolLogo
from server.accounts.members import FreshSchool, Members
from server.accounts.office import Office
from server.accounts.own_account import OwnAccount
from server.accounts.passwords import Passwords
from server.accounts.school_hours import get_hours, set_hours
from server.accounts.school_settings import set_settings
from server.accounts.sign_ins import SignIns
from server.accounts.throttle import Throttle
from server.accounts.tokens import Tokens
from server.clock import DAY, MINUTE, Clock, now_ms
from server.databases import DbSessions, reading, version_of, writing
from server.databases.changes import Changes, changes_after, forget_changes, newest_change, note_changes
from server.databases.credentials import (
    end_credential,
    end_expired_credentials,
    extend_sign_ins,
    hash_secret,
    new_credential,
    note_used,
    sign_ins_to_extend,
)
from server.databases.directory import count_audience, read_audience, read_grades, read_names, read_people, read_reached
from server.databases.errors import DatabaseError
from server.databases.failures import forget_old_failures
from server.databases.outbox import note_audited
from server.databases.school_settings import SchoolSettings
from server.databases.users import users_called

# A page extends a sign-in at most once in this time: one write a day instead of one for each request.
EXTEND_AFTER_MS = DAY
# The use of a token is noted once in this time: an office asks for the day, and a program connects all day.
USED_AFTER_MS = 60 * MINUTE
# Open connections extend it later than pages do, because only a page can extend the cookie too: a page opened after a
# connection did so still finds the cookie due.
EXTEND_CONNECTED_AFTER_MS = SIGN_IN_MS // 2
# Longer than a running worker can be cut off from the database.
CHANGES_KEPT_MS = 7 * DAY


class Accounts:
    """The accounts of the school in a running server; the engine's `Authority`.

    Every coroutine may raise DatabaseUnavailable. `changed` is set when this worker has made a change. `local` signs in
    with a password or a one-time code, and `badges` small children; `own` is what users do with their own account;
    `office`, `tokens` and `cards` (one-time codes) are for the school's office, and `first` makes its first account.
    `sign_ins` counts sign-ins for a monitor.
    """

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock = now_ms,
        roles: Collection[Role] = ROLES,
        *,
        passwords: Passwords | None = None,
        local_roles: Collection[str] | None = None,
    ) -> None:
        """Take the roles that may sign in with a password or a code (None: all of them)."""
        self.changed = asyncio.Event()
        self.clock = clock
        self._sessions = sessions
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._members = Members(sessions, clock, roles)
        self.sign_ins = SignIns()
        throttle = Throttle(sessions, clock)
        self.local = LocalSignIn(
            sessions, clock, self._passwords, throttle, self._forget, self.sign_ins, roles=local_roles
        )
        self.own = OwnAccount(sessions, clock, self._passwords, throttle, self._forget)
        self.first = FirstAdministrator(sessions, clock, self._passwords, self._forget_school)
        self.office = Office(sessions, clock, self._passwords, self._forget, self._forget_school)
        self.cards = CardOffice(sessions, self._passwords, clock)
        self.logo = SchoolLogo(sessions, clock)
        self.tokens = Tokens(sessions, clock, new_credential, self._forget)
        self.badges = Badges(sessions, clock, self._forget, self.sign_ins)
        # The version of the database's file at which no change was newer than this one.
        self._unchanged: tuple[Version | None, int] = (None, 0)
        self._extended: set[int] = set()  # sign-ins whose new end is not stored yet
        self._used: set[int] = set()  # tokens whose use is not stored yet

    async def authenticate(self, secret: str) -> Member | None:
        """Return the member of a cookie or bearer token; None if it is unknown, ended or expired."""
        secret_hash = hash_secret(secret)
        member = await self._members.by_secret(secret_hash)
        if member is not None:
            self._note_use(secret_hash)
        return member

    def recall(self, secret: str) -> Member | None:
        """Return the member of a cookie or bearer token that is in memory; None: ask `authenticate`."""
        secret_hash = hash_secret(secret)
        member = self._members.recall(secret_hash)
        if member is not None:
            self._note_use(secret_hash)
        return member

    def _note_use(self, secret_hash: bytes) -> None:
        now = self._clock()
        used = self._members.use(secret_hash, now - USED_AFTER_MS, now)
        if used is not None:
            self._used.add(used)

    async def renew(self, member: Member) -> Member | None:
        """Read the same sign-in again; None if it has ended or its account is disabled."""
        return await self._members.by_credential(member.credential_id)

    async def read_ahead(self, *, alone: bool) -> None:
        """Read sign-ins in advance for those who come back after a start; call it after `ChangeWatcher.start`.

        `alone`: no other worker changes rights.
        """
        await self._members.read_ahead(alone=alone)

    def forget_ahead(self) -> None:
        """Drop what was read in advance for those who have not come back."""
        self._members.forget_ahead()

    def extend(self, secret: str) -> bool:
        """Extend the sign-in that a page was opened with; return whether to extend its cookie too, at most once a day.

        A program's token keeps its end. `store_extensions` writes the new end.
        """
        until = self._clock() + SIGN_IN_MS
        credential_id = self._members.extend(hash_secret(secret), until - EXTEND_AFTER_MS, until)
        if credential_id is None:
            return False
        self._extended.add(credential_id)
        return True

    async def store_extensions(self) -> None:
        """Write what `extend` changed since the last time, together, and which tokens were used."""
        if used := self._used:
            self._used = set()
            async with writing(self._sessions) as db:
                await note_used(db, used, self._clock())
        ids, self._extended = self._extended, set()
        try:
            await self._extend(ids, EXTEND_AFTER_MS)
        except DatabaseError:
            self._extended |= ids
            raise

    async def extend_connected(self, credential_ids: Collection[int]) -> None:
        """Extend the sign-ins of open connections, so that a page that stays open stays signed in."""
        now = self._clock()
        before = now + SIGN_IN_MS - EXTEND_CONNECTED_AFTER_MS
        async with reading(self._sessions) as db:
            due = await sign_ins_to_extend(db, credential_ids, now, before)
        await self._extend(due, EXTEND_CONNECTED_AFTER_MS)

    async def _extend(self, ids: Collection[int], after_ms: int) -> None:
        if ids:
            now = self._clock()
            async with writing(self._sessions) as db:
                await extend_sign_ins(db, ids, now, now + SIGN_IN_MS - after_ms, now + SIGN_IN_MS)

    async def sign_out(self, secret: str) -> None:
        """End a sign-in and its open connections; an unknown secret is no error."""
        async with writing(self._sessions) as db:
            users = await end_credential(db, hash_secret(secret))
            for user_id in users:
                await note_audited(db, self._clock(), "sign-in:ended", user_id=user_id)
            await note_changes(db, users, self._clock())
        self._forget(users)

    def now(self) -> int:
        """Return the time, ms since 1970."""
        return self._clock()

    async def school_name(self) -> str:
        """Return the school's name, empty before the first import."""
        return (await self._members.school()).name

    @property
    def hours(self) -> SchoolHours:
        """The hours of the school's classes, as last read."""
        return self._members.hours

    @property
    def withheld(self) -> Withheld:
        """What the school withholds from roles, as last read."""
        return self._members.withheld

    async def read_school(self) -> None:
        """Read the school, if it was forgotten."""
        await self._members.school()

    @property
    def settings(self) -> SchoolSettings:
        """What the office has set, as last read."""
        return self._members.settings

    async def set_settings(self, member: Member, wanted: SchoolSettings) -> None:
        """Set it; raises UserError for a value that cannot be."""
        await set_settings(self._sessions, wanted, self._clock, user_id=member.user.id)
        self._forget_school()
        await self.read_school()

    async def set_logo(self, member: Member, data: bytes | None) -> None:
        """Take a picture as the school's logo, or have none; raises UserError where it cannot be one."""
        if data is None:
            await self.logo.remove(member.user.id)
        else:
            await self.logo.replace(member.user.id, data)
        self._forget_school()
        await self.read_school()

    async def stored_hours(self) -> SchoolHours:
        """Return the hours as they are stored now."""
        return await get_hours(self._sessions)

    async def set_hours(
        self, member: Member, hours: Hours | None, zone: str | None, quiet: Spans | None = None
    ) -> None:
        """Set the hours of the school's classes, its time zone, its quiet hours (None: as before); raises UserError."""
        await set_hours(self._sessions, hours, zone, self._clock, quiet=quiet, user_id=member.user.id)
        self.forget((), school=True)
        self.changed.set()
        await self.read_school()

    async def classrooms(self) -> Mapping[int, Classroom]:
        """Return all classes of the school by id, in the order of their titles."""
        return (await self._members.school()).classrooms

    async def grades(self) -> dict[int, str]:
        """Return the grades that each class of the school is for, as the roster writes them ("06,07")."""
        async with reading(self._sessions) as db:
            return await read_grades(db)

    async def classmates(self, class_id: int) -> list[User]:
        """Return everybody in a class: its teachers by name, then its students by name."""
        async with reading(self._sessions) as db:
            people = await read_people(db, [class_id])
        return sorted((User(id_, name, role) for _, id_, name, role in people), key=_teachers_first)

    async def teachers(self, class_ids: Collection[int]) -> dict[int, list[User]]:
        """Return the teachers of each of these classes, by name."""
        async with reading(self._sessions) as db:
            people = await read_people(db, class_ids, TEACHER)
        found: dict[int, list[User]] = {class_id: [] for class_id in class_ids}
        for class_id, id_, name, role in people:
            found[class_id].append(User(id_, name, role))
        return {class_id: sorted(users, key=_teachers_first) for class_id, users in found.items()}

    async def names(self, user_ids: Collection[int]) -> dict[int, str]:
        """Return the names of these users; of those who have left, too."""
        async with reading(self._sessions) as db:
            return await read_names(db, user_ids)

    async def called(self, text: str) -> list[int]:
        """Return the ids of the users who have this login, or this in their names."""
        async with reading(self._sessions) as db:
            return await users_called(db, normal_login(text), text.strip())

    async def audience(
        self, topic: TopicAddress, roles: Collection[str], among: Collection[int]
    ) -> tuple[list[User], int]:
        """Return which of the users `among` are in a topic's audience now, in that order, and the audience's size."""
        async with reading(self._sessions) as db:
            found = {user.id: user for user in await read_audience(db, _class_of(topic), roles, among)}
            members = await count_audience(db, _class_of(topic), roles)
        return [found[user_id] for user_id in among if user_id in found], members

    async def absent(
        self, topic: TopicAddress, roles: Collection[str], present: Collection[int], limit: int
    ) -> list[User]:
        """Return the first `limit`, by name, of those in a topic's audience who are not among `present`."""
        async with reading(self._sessions) as db:
            everybody = await read_audience(db, _class_of(topic), roles)
        known = set(present)
        others = (user for user in everybody if user.id not in known)
        return heapq.nsmallest(limit, others, key=lambda user: by_name(user.name))

    async def people(self, topics: Mapping[TopicAddress, Collection[str]]) -> list[Person]:
        """Return everybody in the audience of one of these topics, by name."""
        found: dict[int, Person] = {}
        async with reading(self._sessions) as db:
            for (names, ids), roles in _together(topics):
                for class_id, user_id, name, role, is_signed_in in await read_reached(db, ids, roles, self._clock()):
                    person = Person(User(user_id, name, role), names[class_id], is_signed_in)
                    found.setdefault(user_id, person)
        return sorted(found.values(), key=lambda each: by_name(each.user.name))

    async def member(self, user_id: int) -> Member | None:
        """Return what a user may do who need not be connected; None where they may not sign in any more."""
        return await self._members.by_user(user_id)

    async def newest_change(self) -> int:
        """Return the number of the newest change, for `changes_after`."""
        async with reading(self._sessions) as db:
            return await newest_change(db)

    async def changes_after(self, last: int) -> Changes:
        """Return whose rights have changed since that change."""
        version = version_of(self._sessions)
        is_known = version is not None and self._unchanged == (version, last)
        changes = Changes(last, set(), school=False) if is_known else await changes_after(self._sessions, last)
        self._unchanged = (version, changes.newest)
        if changes.newest == last:
            self._members.note_unchanged(version)
        return changes

    async def fresh_school(self) -> FreshSchool:
        """Read the school anew, for `forget`."""
        return await self._members.fresh_school()

    def forget(self, user_ids: Iterable[int] | None, *, school: bool = False, fresh: FreshSchool | None = None) -> None:
        """Drop from memory these users, or everybody and the school (None), or the school as well (`school`)."""
        self._members.forget(user_ids, school=school, fresh=fresh)

    async def tidy(self) -> None:
        """Delete what has expired: sign-ins (open connections end with them), counts of failures, old notes."""
        now = self._clock()
        async with writing(self._sessions) as db:
            await forget_old_failures(db, now)
            await forget_changes(db, now - CHANGES_KEPT_MS)
            users = await end_expired_credentials(db, now)
            await note_changes(db, users, now)
        self._forget(users)

    def close(self) -> None:
        """End the threads that hash passwords."""
        self._passwords.close()

    def _forget_school(self) -> None:
        self.forget((), school=True)
        self.changed.set()

    def _forget(self, users: set[int]) -> None:
        if users:
            self.forget(users)
            self.changed.set()


def _class_of(topic: TopicAddress) -> int | None:
    """Return the class whose members a topic is for; None: it is for the school's."""
    return topic.number if topic.kind.audience is Audience.ENROLLED else None


def _together(
    topics: Mapping[TopicAddress, Collection[str]],
) -> Iterator[tuple[tuple[Mapping[int, str], Collection[int] | None], Collection[str]]]:
    """Return what one query reads of these topics: their names by class, the classes (None: the school), the roles."""
    classes = {topic: roles for topic, roles in topics.items() if _class_of(topic) is not None}
    for roles in dict.fromkeys(frozenset(each) for each in classes.values()):
        names = {topic.number: topic.wire_name for topic, each in classes.items() if frozenset(each) == roles}
        yield (names, names), roles
    for topic in topics:
        if topic not in classes:
            yield ({0: topic.wire_name}, None), topics[topic]


def _teachers_first(user: User) -> tuple[bool, tuple[str, str]]:
    return user.role == STUDENT, by_name(user.name)
