"""The administrator's commands on accounts; they work whether or not the server runs.

Each command is one transaction, and raises UserError (nothing was changed) with a message that says why.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from channels.member import RoleName
from server.accounts.identifiers import CODE_DAYS, by_name, new_code, normal_login, valid_login, valid_name
from server.accounts.office import check_by_hand, check_not_last
from server.accounts.passwords import Passwords, check_new_password
from server.accounts.refusals import LoginTaken, UserError
from server.clock import DAY, Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account
from server.databases.audit import Record
from server.databases.batch import batches
from server.databases.changes import note_changes
from server.databases.credentials import BROWSER, TOKEN, add_credentials, end_credentials_of, new_credential
from server.databases.errors import DatabaseError
from server.databases.folded import folded
from server.databases.identities import forget_identities
from server.databases.outbox import new_key, note_all, note_audited
from server.databases.people import PersonPlace, WantedPeople, find_people
from server.databases.users import (
    class_titles,
    find_user,
    find_users,
    set_codes,
    set_password,
    set_roster_passwords,
    without_password,
)

# Well below the hash queue's limit (passwords.MAX_WAITING), which a whole school would exceed.
HASHES_AT_ONCE = 100
# People who are read at once for a list.
PAGE = 500


class Code(NamedTuple):
    """One line of the sheet that is handed out; `classroom` is empty for a user who was named by login."""

    classroom: str
    name: str
    login: str
    code: str
    expires_at: int


class _Codeless(NamedTuple):
    """A user who gets a code; `place` is the sort key on the sheet."""

    place: tuple[float, str, tuple[str, str]]
    id: int
    classroom: str
    name: str
    login: str


class Token(NamedTuple):
    """A bearer token, shown only now."""

    login: str
    secret: str


def _keep(_secrets: object) -> None:
    """Hand over nothing: the caller takes what is returned."""


@asynccontextmanager
async def _handed_over(what: str) -> AsyncIterator[None]:
    """Say of secrets that were handed over, and cannot be stored, that they are not valid."""
    try:
        yield
    except (DatabaseError, UserError) as error:
        raise UserError(f"{error} The {what} above are not valid; nothing was changed.") from error


class Users:
    """The administrator's commands on the `accounts` database."""

    def __init__(
        self,
        sessions: DbSessions,
        passwords: Passwords,
        clock: Clock = now_ms,
        *,
        hashes_at_once: int = HASHES_AT_ONCE,
    ) -> None:
        self._hashes_at_once = hashes_at_once
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock

    async def create(self, login: str, name: str, role: RoleName, password: str) -> None:
        """Create a user by hand; roster imports do not change such users."""
        login, name = valid_login(login), valid_name(name)
        check_new_password(login, password)
        password_hash = await self._passwords.hash(password)
        async with writing(self._sessions) as db:
            if await find_user(db, login):
                raise LoginTaken(login)
            made = Account(login=login, name=name, role=role, password_hash=password_hash)
            db.add(made)
            await db.flush()
            await note_audited(db, self._clock(), "user:created", subject_id=made.id, role=role)

    async def disable(self, login: str) -> None:
        """Disable a user's account and end all their sign-ins."""
        async with writing(self._sessions) as db:
            user = await _locked(db, login)
            user.enabled = False
            await check_not_last(db, user)
            await end_credentials_of(db, user.id)
            await note_audited(db, self._clock(), "user:disabled", subject_id=user.id)
            await note_changes(db, [user.id], self._clock())

    async def enable(self, login: str) -> None:
        """Let a user sign in again."""
        async with writing(self._sessions) as db:
            user = await _locked(db, login)
            user.enabled = True
            await note_audited(db, self._clock(), "user:enabled", subject_id=user.id)

    async def rename(self, login: str, name: str) -> None:
        """Give a user another name, unless the roster gives it."""
        name = valid_name(name)
        async with writing(self._sessions) as db:
            user = await _locked(db, login)
            check_by_hand(user)
            user.name, user.folded = name, folded(name, user.login)
            await note_audited(db, self._clock(), "user:renamed", subject_id=user.id)
            await note_changes(db, [user.id], self._clock())

    async def pages(self, wanted: WantedPeople, *, title: str = "") -> AsyncIterator[Sequence[Account]]:
        """Yield the wanted people by name, some at a time; with a title, those of the classes that have it."""
        async with reading(self._sessions) as db:
            classes = list(_classes_called(title, await class_titles(db))) if title else [None]
            for class_id in classes:
                after: PersonPlace | None = None
                while found := await find_people(db, replace(wanted, class_id=class_id), after, PAGE):
                    yield found
                    after = PersonPlace(found[-1].folded, found[-1].id)

    async def forget_identities(self, login: str) -> int:
        """Forget which accounts at the school's providers are this user's; return how many there were.

        The next one that signs in there and is found by this login is the user's.
        """
        async with writing(self._sessions) as db:
            user = await _locked(db, login)
            forgotten = await forget_identities(db, user.id)
            ended = await end_credentials_of(db, user.id, BROWSER) if forgotten else set()
            if forgotten:
                await note_audited(db, self._clock(), "identity:forgotten", subject_id=user.id)
            await note_changes(db, ended, self._clock())
        return forgotten

    async def set_password(self, login: str, password: str) -> None:
        """Set a user's password and end the sign-ins made with the old one."""
        login = normal_login(login)
        check_new_password(login, password)
        password_hash = await self._passwords.hash(password)
        async with writing(self._sessions) as db:
            user = await _locked(db, login)
            set_password(user, password_hash)
            ended = await end_credentials_of(db, user.id, BROWSER)
            await note_audited(db, self._clock(), "password:set", subject_id=user.id)
            await note_changes(db, ended, self._clock())

    async def set_one_password(self, password: str) -> None:
        """Give everybody who came with a roster the same password, hashed once: for a demonstration."""
        password_hash = await self._passwords.hash(password)
        async with writing(self._sessions) as db:
            await set_roster_passwords(db, password_hash)

    async def make_codes(
        self,
        *titles: str,
        role: RoleName | None = None,
        logins: Sequence[str] = (),
        hand_over: Callable[[list[Code]], None] = _keep,
    ) -> list[Code]:
        """Make a one-time code for each of these classes' people who has no password, and for each of these logins.

        Without titles and logins, all classes are meant; with a role, only class members of that role. Titles ignore
        case. Each person is listed once, under the first of their classes, ordered by class, role and name; those
        named by login come last. An earlier unused code becomes invalid.

        `hand_over` gets the codes before they are stored; what it raises leaves everything as it was.
        """
        async with reading(self._sessions) as db:
            found = await _of_classes(db, titles, role) if titles or not logins else {}
            found = {**await _by_login(db, logins), **found} if logins else found
        return await self._make(found, hand_over)

    async def make_codes_of(self, class_id: int, title: str, role: RoleName | None, by: int) -> list[Code]:
        """Make a one-time code for each of a class's people who has no password; with a role, only of that role.

        An earlier unused code becomes invalid. `by` is the user who makes them.
        """
        async with reading(self._sessions) as db:
            found = await _codeless(db, {class_id: title}, role)
        return await self._make(found, _keep, by)

    async def _make(
        self, found: dict[int, _Codeless], hand_over: Callable[[list[Code]], None], by: int | None = None
    ) -> list[Code]:
        people = sorted(found.values(), key=lambda each: each.place)
        codes = [new_code() for _ in people]
        hashes = await self._hash_all(codes)
        expires_at = self._clock() + CODE_DAYS * DAY
        made = [
            Code(each.classroom, each.name, each.login, code, expires_at)
            for each, code in zip(people, codes, strict=True)
        ]
        hand_over(made)
        async with _handed_over("codes"), writing(self._sessions) as db:
            await set_codes(db, zip([each.id for each in people], hashes, strict=True), expires_at)
            await note_audited(db, self._clock(), "codes:made", user_id=by, users=len(people))
        return made

    async def _hash_all(self, codes: Sequence[str]) -> list[str]:
        hashes: list[str] = []
        for some in batches(codes, self._hashes_at_once):
            hashes += await asyncio.gather(*map(self._passwords.hash, some))
        return hashes

    async def create_tokens(
        self,
        logins: Sequence[str],
        days: int,
        hand_over: Callable[[list[Token]], None] = _keep,
        *,
        label: str | None = None,
        only_reads: bool = False,
    ) -> list[Token]:
        """Make a bearer token for each of these logins, in their order; all of them or none.

        `hand_over` gets the tokens before they are stored; what it raises leaves everything as it was.
        """
        now = self._clock()
        wanted = [normal_login(login) for login in logins]
        async with reading(self._sessions) as db:
            users = await find_users(db, set(wanted))
        _check_all("token", wanted, users)
        new = [new_credential(TOKEN, users[login].id, now, now + days * DAY) for login in wanted]
        made = [(secret, each._replace(label=label, only_reads=only_reads)) for secret, each in new]
        tokens = [Token(login, secret) for login, (secret, _) in zip(wanted, made, strict=True)]
        hand_over(tokens)
        async with _handed_over("tokens"), writing(self._sessions) as db:
            _check_all("token", wanted, await find_users(db, set(wanted)))
            await add_credentials(db, [each for _, each in made])
            detail = {"days": days, "label": label or "", "scope": "read" if only_reads else "write"}
            await note_all(
                db, (Record(new_key(), now, "token:made", subject_id=each.user_id, detail=detail) for _, each in made)
            )
        return tokens


async def _locked(db: AsyncSession, login: str) -> Account:
    user = await find_user(db, normal_login(login), lock=True)
    if user is None:
        raise UserError(f"There is no user with the login “{login}”.")
    return user


def _check_all(what: str, logins: Collection[str], users: dict[str, Account]) -> None:
    unknown = [login for login in logins if login not in users]
    if unknown:
        raise UserError(f"No {what} was made. Nobody has the login: {_listed(unknown)}.")
    ended = [login for login in logins if not users[login].may_sign_in]
    if ended:
        raise UserError(f"No {what} was made. Disabled, or no longer in the roster: {_listed(ended)}.")


async def _of_classes(db: AsyncSession, titles: Sequence[str], role: RoleName | None) -> dict[int, _Codeless]:
    known = await class_titles(db)
    classes = {id_: each for title in titles for id_, each in _classes_called(title, known).items()}
    return await _codeless(db, classes or dict(sorted(known.items(), key=lambda item: by_name(item[1]))), role)


async def _codeless(db: AsyncSession, classes: dict[int, str], role: RoleName | None) -> dict[int, _Codeless]:
    order = {title: number for number, title in enumerate(dict.fromkeys(classes.values()))}
    found: dict[int, _Codeless] = {}
    for some in batches(classes):
        for row in await without_password(db, some):
            title = classes[row.class_id]
            person = _Codeless((order[title], row.role, by_name(row.name)), row.id, title, row.name, row.login)
            if role in (None, row.role):
                found[row.id] = min(person, found.get(row.id, person))
    return found


async def _by_login(db: AsyncSession, logins: Sequence[str]) -> dict[int, _Codeless]:
    wanted = [normal_login(login) for login in logins]
    users = await find_users(db, set(wanted))
    _check_all("code", wanted, users)
    known = [login for login in wanted if users[login].password_hash is not None]
    if known:
        raise UserError(f"No code was made. They have a password, which “user set-password” changes: {_listed(known)}.")
    people = [users[login] for login in wanted]
    last = float("inf")
    return {
        each.id: _Codeless((last, each.role, by_name(each.name)), each.id, "", each.name, each.login) for each in people
    }


def _listed(logins: Sequence[str]) -> str:
    some = ", ".join(f"“{login}”" for login in logins[:10])
    return f"{some} and {len(logins) - 10} more" if len(logins) > 10 else some


def _classes_called(title: str, titles: dict[int, str]) -> dict[int, str]:
    found = {id_: each for id_, each in titles.items() if each == title}
    found = found or {id_: each for id_, each in titles.items() if each.casefold() == title.strip().casefold()}
    if not found:
        known = sorted(set(titles.values()))
        some = "; ".join(get_close_matches(title, known, 10) or known[:10]) or "none yet: import a roster first"
        raise UserError(f"There is no class called “{title}”. Classes are: {some}")
    return found
