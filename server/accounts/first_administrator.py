"""Makes a school's first administrator, with a code that the start of the server prints on its console.

    start, no administrator yet  ->  a new code: printed once, its SHA-256 kept in the `accounts` database
    the page, with the code      ->  the administrator, signed in; the code is gone

Only those who run the server read its console. The code is of no use elsewhere: it belongs to this database, and ends
after an hour, or when there is an administrator, also one that a command has made.
"""

import hashlib
import secrets
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from channels.roles import administrators
from server.accounts.browser_sign_in import new_sign_in
from server.accounts.identifiers import CODE_ALPHABET, MAX_NAME_CHARACTERS, normal_code, valid_login, valid_name
from server.accounts.passwords import Passwords, check_new_password
from server.accounts.refusals import LoginTaken, SignInRefused
from server.clock import MINUTE, Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, School
from server.databases.changes import note_changes
from server.databases.credentials import add_credentials
from server.databases.directory import read_school_name
from server.databases.outbox import note_audited
from server.databases.setup import has_users, is_setup_code, set_setup_code, take_setup_code
from server.databases.users import find_user

# 90 bits: it needs no slow hash, and no count of guesses.
CODE_CHARACTERS = 20
# Long enough to go from the server's console to a desk; a restart makes another.
CODE_MS = 60 * MINUTE

_ROLE = administrators.ROLE.name


async def make_setup_code(sessions: DbSessions, clock: Clock = now_ms) -> str:
    """Return a new code if the school has no administrator, or an empty string."""
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))
    async with writing(sessions) as db:
        if await has_users(db, _ROLE):
            return ""
        await set_setup_code(db, _hash(code), clock() + CODE_MS)
    return "-".join(code[start : start + 5] for start in range(0, CODE_CHARACTERS, 5))


class FirstAdministrator:
    """The page's part; `made` is called after the commit. Every coroutine may raise DatabaseUnavailable."""

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock,
        passwords: Passwords,
        made: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._passwords = passwords
        self._made = made
        self._has_users = False  # once true, always: nobody's row is ever the last to go
        self._is_made = False

    async def is_fresh(self) -> bool:
        """Return whether the school has nobody yet who could sign in."""
        if not self._has_users:
            async with reading(self._sessions) as db:
                self._has_users = await has_users(db)
        return not self._has_users

    async def is_missing(self) -> bool:
        """Return whether the school has no administrator yet."""
        if not self._is_made:
            async with reading(self._sessions) as db:
                self._is_made = await has_users(db, _ROLE)
        return not self._is_made

    async def make(
        self, code: str, login: str, name: str, password: str, school: str, *, address: str, device: str
    ) -> str:
        """Make the administrator, and the school where there is none; return the secret of a sign-in.

        Raises SignInRefused for a code that is not good, PasswordRefused or UserError; then the code stays good.
        """
        code_hash = _hash(normal_code(code))
        async with reading(self._sessions) as db:
            if not await is_setup_code(db, code_hash, self._clock()):
                raise SignInRefused("code")
        login, name = valid_login(login), valid_name(name)
        check_new_password(login, password)
        password_hash = await self._passwords.hash(password)
        now = self._clock()
        async with writing(self._sessions) as db:
            if not await take_setup_code(db, code_hash, now) or await has_users(db, _ROLE):
                raise SignInRefused("code")
            if await find_user(db, login):
                raise LoginTaken(login)
            account = Account(login=login, name=name, role=_ROLE, password_hash=password_hash, signed_in_at=now)
            db.add(account)
            await _name_school(db, school)
            await db.flush()
            secret, new = new_sign_in(account.id, now, device)
            await add_credentials(db, [new])
            kind, about = "user:created", account.id
            await note_audited(db, now, kind, subject_id=about, role=_ROLE, address=address, device=device)
            await note_changes(db, [account.id], now, school=True)
        self._made()
        return secret


async def _name_school(db: AsyncSession, name: str) -> None:
    """Name the school if nobody has yet; a roster that is imported later brings its own name."""
    if not await read_school_name(db) and name.strip():
        db.add(School(name=valid_name(name[:MAX_NAME_CHARACTERS])))


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()
