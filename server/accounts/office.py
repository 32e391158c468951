"""What the school's office does with accounts: finding people, and a new code, disabling, devices, names and classes.

Each change is one transaction, is noted for the audit log, and reaches open connections within a second. It raises
UserError, with a reason for the page, where it cannot be; then nothing was changed.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from channels.member import STUDENT, TEACHER, RoleName
from channels.roles import administrators
from server.accounts.identifiers import CODE_DAYS, new_code, valid_login, valid_name
from server.accounts.passwords import Passwords
from server.accounts.refusals import LoginTaken, UserError
from server.clock import DAY, Clock
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Enrolment
from server.databases.badges import forget_badges
from server.databases.changes import note_changes
from server.databases.credentials import BROWSER, end_credentials_of, end_sign_in_of
from server.databases.folded import folded
from server.databases.identities import forget_identities, identities_of
from server.databases.office import find_class, find_enrolment, has_another, lock_person, set_enrolled_as
from server.databases.outbox import note_audited
from server.databases.people import PersonPlace, WantedPeople, classes_of, find_people, read_person
from server.databases.relatives import RelativeOfStudent, relatives_of
from server.databases.users import find_user, in_class

_GUARDED = administrators.ROLE.name


class ClassOfPerson(NamedTuple):
    """A class that a person is in, as `student` or `teacher`; `by_hand`: the roster does not say so."""

    id: int
    title: str
    role: str
    by_hand: bool


class ListedPerson(NamedTuple):
    """A person as lists show them: their account, and the classes that they are in by title."""

    account: Account
    classes: list[ClassOfPerson]


class NewCode(NamedTuple):
    """A one-time code, shown only now; it ends at a time (ms since 1970)."""

    name: str
    login: str
    code: str
    expires_at: int


class Office:
    """The accounts of the school, for its office. Every coroutine may raise DatabaseUnavailable.

    `by` is the id of who does it. `changed` is called after the commit with the users concerned.
    """

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock,
        passwords: Passwords,
        changed: Callable[[set[int]], None],
        school_changed: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._passwords = passwords
        self._changed = changed
        self._school_changed = school_changed

    async def find(self, wanted: WantedPeople, after: PersonPlace | None, limit: int) -> list[ListedPerson]:
        """Return the first `limit` of the wanted people after a place (None: of all), by name."""
        async with reading(self._sessions) as db:
            return await _with_classes(db, *await find_people(db, wanted, after, limit))

    async def person(self, user_id: int) -> ListedPerson | None:
        """Return one person."""
        async with reading(self._sessions) as db:
            found = await read_person(db, user_id)
            return (await _with_classes(db, found))[0] if found is not None else None

    async def reset(self, by: int, user_id: int, *, of_class: int | None = None) -> NewCode:
        """Give somebody a new one-time code in place of their password, and end their sign-ins in browsers.

        With `of_class`, they must be a student in that class.
        """
        code = new_code()
        code_hash = await self._passwords.hash(code)
        expires_at = self._clock() + CODE_DAYS * DAY
        async with self._change(by, user_id, "code:made") as (db, account):
            _check_other(by, account)
            if of_class is not None and not await in_class(db, user_id, of_class, STUDENT):
                raise UserError("They are no student of this class.", "class")
            if not account.may_sign_in:
                raise UserError("This account is disabled, or has left the roster.", "ended")
            account.password_hash, account.code_hash, account.code_expires_at = None, code_hash, expires_at
            await check_not_last(db, account)
            await forget_badges(db, [user_id])
            await end_credentials_of(db, user_id, BROWSER)
        return NewCode(account.name, account.login, code, expires_at)

    async def disable(self, by: int, user_id: int) -> None:
        """Disable an account and end all of its sign-ins."""
        async with self._change(by, user_id, "user:disabled") as (db, account):
            _check_other(by, account)
            account.enabled = False
            await check_not_last(db, account)
            await end_credentials_of(db, user_id)

    async def enable(self, by: int, user_id: int) -> None:
        """Let somebody sign in again."""
        async with self._change(by, user_id, "user:enabled") as (_, account):
            account.enabled = True

    async def end_sign_in(self, by: int, user_id: int, credential_id: int | None) -> None:
        """End one of somebody's sign-ins with its open connections; None: all in browsers."""
        async with self._change(by, user_id, "sign-in:ended") as (db, _):
            if credential_id is None:
                await end_credentials_of(db, user_id, BROWSER)
            else:
                await end_sign_in_of(db, user_id, credential_id)

    async def linked(self, user_id: int) -> list[tuple[str, int]]:
        """Return the issuers of somebody's accounts at the school's providers, with the time of the first sign-in."""
        async with reading(self._sessions) as db:
            return await identities_of(db, user_id)

    async def relatives(self, user_id: int) -> Sequence[RelativeOfStudent]:
        """Return the guardians and relatives of a student, as the roster names them."""
        async with reading(self._sessions) as db:
            return await relatives_of(db, user_id)

    async def unlink(self, by: int, user_id: int) -> None:
        """Forget somebody's accounts at the school's providers, and end their sign-ins in browsers."""
        async with self._change(by, user_id, "identity:forgotten") as (db, _):
            await forget_identities(db, user_id)
            await end_credentials_of(db, user_id, BROWSER)

    async def create(self, by: int, login: str, name: str, role: RoleName) -> tuple[int, NewCode]:
        """Make an account by hand; return its id and the code with which its owner signs in first."""
        login, name, code = valid_login(login), valid_name(name), new_code()
        code_hash = await self._passwords.hash(code)
        now = self._clock()
        expires_at = now + CODE_DAYS * DAY
        async with writing(self._sessions) as db:
            if await find_user(db, login):
                raise LoginTaken(login)
            made = Account(login=login, name=name, role=role, code_hash=code_hash, code_expires_at=expires_at)
            db.add(made)
            await db.flush()
            await note_audited(db, now, "user:created", user_id=by, subject_id=made.id, role=role)
            return made.id, NewCode(name, login, code, expires_at)

    async def rename(self, by: int, user_id: int, name: str) -> None:
        """Give somebody another name, unless the roster gives it."""
        name = valid_name(name)
        async with self._change(by, user_id, "user:renamed") as (_, account):
            check_by_hand(account)
            account.name, account.folded = name, folded(name, account.login)

    async def set_role(self, by: int, user_id: int, role: RoleName) -> None:
        """Give somebody another role, unless the roster gives it; they sign in again."""
        async with self._change(by, user_id, "user:role-set", school=True, role=role) as (db, account):
            _check_other(by, account)
            check_by_hand(account)
            before, account.role = account.role, role
            if before == _GUARDED != role:
                await check_not_last(db, account, before)
            await set_enrolled_as(db, user_id, _enrolled_as(role))
            await end_credentials_of(db, user_id)

    async def enrol(self, by: int, user_id: int, class_id: int) -> None:
        """Put somebody into a class by hand."""
        async with self._change(by, user_id, "enrolment:made", school=True, class_id=class_id) as (db, account):
            role, room = _enrolled_as(account.role), await find_class(db, class_id)
            if role is None or room is None:
                raise UserError("This person cannot be in this class.", "class")
            enrolment = await find_enrolment(db, user_id, class_id)
            if enrolment is None:
                db.add(Enrolment(user_id=user_id, class_id=class_id, role=role))
            elif not enrolment.active:
                enrolment.active, enrolment.role, enrolment.sourced_id = True, role, None
                enrolment.listed, enrolment.begins, enrolment.ends = True, None, None

    async def unenrol(self, by: int, user_id: int, class_id: int) -> None:
        """Take somebody out of a class where they were put by hand."""
        async with self._change(by, user_id, "enrolment:ended", school=True, class_id=class_id) as (db, _):
            enrolment = await find_enrolment(db, user_id, class_id)
            if enrolment is None or not enrolment.active or enrolment.sourced_id is not None:
                raise UserError("The roster says that they are in this class.", "roster")
            enrolment.active = enrolment.listed = False

    @asynccontextmanager
    async def _change(
        self, by: int, user_id: int, kind: str, *, school: bool = False, **detail: Any
    ) -> AsyncIterator[tuple[AsyncSession, Account]]:
        """Change an account in a transaction that is noted; raise UserError where nobody has the id."""
        now = self._clock()
        async with writing(self._sessions) as db:
            account = await lock_person(db, user_id, _GUARDED)
            if account is None:
                raise UserError("There is no such person.", "gone")
            yield db, account
            await note_audited(db, now, kind, user_id=by, subject_id=user_id, **detail)
            await note_changes(db, [user_id], now, school=school)
        self._changed({user_id})
        if school:
            self._school_changed()


async def check_not_last(db: AsyncSession, account: Account, role: str | None = None) -> None:
    """Raise UserError where nobody else could run the school; `role` is what the account had before."""
    if (role or account.role) == _GUARDED and not await has_another(db, account, _GUARDED):
        raise UserError("This is the last administrator who can sign in: make another one first.", "last")


async def _with_classes(db: AsyncSession, *found: Account) -> list[ListedPerson]:
    classes: dict[int, list[ClassOfPerson]] = {account.id: [] for account in found}
    for user_id, class_id, title, role, sourced_id in await classes_of(db, classes):
        classes[user_id].append(ClassOfPerson(class_id, title, role, sourced_id is None))
    return [ListedPerson(account, classes[account.id]) for account in found]


def _enrolled_as(role: RoleName) -> str | None:
    """Return as what people of a role are in classes; None: they are in none."""
    return STUDENT if role == STUDENT else TEACHER if role == TEACHER else None


def _check_other(by: int, account: Account) -> None:
    if account.id == by:
        raise UserError("This is your own account: ask another administrator.", "own")


def check_by_hand(account: Account) -> None:
    """Raise UserError where the roster gives the name and the role of an account."""
    if account.sourced_id is not None:
        raise UserError("The roster gives this person's name and role.", "roster")
