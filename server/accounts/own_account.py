"""What users do with their own account: change the password, look through their sign-ins and end them."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from channels.member import Member
from server.accounts import known_browser
from server.accounts.browser_sign_in import SIGN_IN_MS
from server.accounts.fair_queue import Client
from server.accounts.passwords import Passwords, check_new_password
from server.accounts.refusals import SignInRefused
from server.accounts.throttle import Admission, Throttle, forgive, network
from server.clock import Clock
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account
from server.databases.changes import note_changes
from server.databases.credentials import BROWSER, end_other_sign_ins, end_sign_in_of, sign_ins_of
from server.databases.outbox import note_audited
from server.databases.users import find_user, set_password


class OwnSignIn(NamedTuple):
    """One sign-in of the user; the time of the last use (ms since 1970) is up to a day old, 0 for a program's token."""

    id: int
    device: str
    used_at: int
    is_program: bool
    is_this_one: bool


class OwnAccount:
    """The accounts of members, for themselves. Every coroutine may raise DatabaseUnavailable.

    `ended` is called with the users whose sign-ins have ended, after the commit.
    """

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock,
        passwords: Passwords,
        throttle: Throttle,
        ended: Callable[[set[int]], None],
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._passwords = passwords
        self._throttle = throttle
        self._ended = ended

    async def change_password(
        self, member: Member, old: str, new: str, address: str, *, known: str = "", ticket: str = ""
    ) -> None:
        """Set another password, and end the user's browser sign-ins but the one of `member`.

        Raises PasswordRefused, or SignInRefused where the old password is wrong. Guesses at it count as those at
        sign-in; `known` and `ticket` are as there. Afterwards no browser is known to the account.
        """
        login = member.login
        check_new_password(login, new)
        account = await self._find(login)
        browser = known_browser.of_account(known, account)
        admission = await self._throttle.check(login, address, browser, ticket)
        async with self._passwords.slot(Client(network(address), login, is_known=True)):
            await self._throttle.count(login, address, admission, browser)
            old_hash = account.password_hash if account is not None else None
            if account is None or not await self._passwords.verify(old_hash, old):
                await self._note_refused(member, address)
                raise SignInRefused("wrong")
            new_hash = await self._passwords.hash(new)
        await self._store(member, account, new_hash, address, browser if admission is Admission.KNOWN else "")

    async def _find(self, login: str) -> Account | None:
        async with reading(self._sessions) as db:
            return await find_user(db, login)

    async def _store(self, member: Member, checked: Account, new_hash: str, address: str, browser: str) -> None:
        """Store the new password, unless another one was set or the account was disabled meanwhile."""
        async with writing(self._sessions) as db:
            account = await find_user(db, member.login, lock=True)
            if account is None or not account.may_sign_in or account.password_hash != checked.password_hash:
                raise SignInRefused("wrong")
            set_password(account, new_hash)
            ended = await end_other_sign_ins(db, account.id, member.credential_id, BROWSER)
            await forgive(db, account.login, address, browser)
            await note_audited(db, self._clock(), "password:changed", user_id=account.id, address=address)
            await note_changes(db, ended, self._clock())
        self._ended(ended)

    async def has_password(self, member: Member) -> bool:
        """Return whether the user has a password: who signs in through the school may have none."""
        account = await self._find(member.login)
        return account is not None and account.password_hash is not None

    async def sign_ins(self, member: Member) -> list[OwnSignIn]:
        """Return the user's valid sign-ins: that of `member`, the others by their last use, then programs' tokens."""
        return await self.sign_ins_of(member.user.id, member.credential_id)

    async def sign_ins_of(self, user_id: int, credential_id: int = 0) -> list[OwnSignIn]:
        """Return somebody's valid sign-ins; `credential_id` is the one that asks, if it is theirs."""
        async with reading(self._sessions) as db:
            rows = await sign_ins_of(db, user_id, self._clock())
        found = [
            OwnSignIn(
                row.id,
                row.device or "",
                row.expires_at - SIGN_IN_MS if row.kind == BROWSER else 0,
                row.kind != BROWSER,
                row.id == credential_id,
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: (not each.is_this_one, each.is_program, -each.used_at))

    async def end_sign_in(self, member: Member, credential_id: int) -> None:
        """End one of the user's sign-ins with its open connections; one that is nobody's or another's is no error."""
        async with writing(self._sessions) as db:
            ended = await end_sign_in_of(db, member.user.id, credential_id)
            await self._note_ended(db, ended)
            await note_changes(db, ended, self._clock())
        self._ended(ended)

    async def end_others(self, member: Member) -> None:
        """End all of the user's sign-ins in browsers but the one of `member`."""
        async with writing(self._sessions) as db:
            ended = await end_other_sign_ins(db, member.user.id, member.credential_id, BROWSER)
            await self._note_ended(db, ended)
            await note_changes(db, ended, self._clock())
        self._ended(ended)

    async def _note_ended(self, db: AsyncSession, users: set[int]) -> None:
        for user_id in users:
            await note_audited(db, self._clock(), "sign-in:ended", user_id=user_id)

    async def _note_refused(self, member: Member, address: str) -> None:
        async with writing(self._sessions) as db:
            await note_audited(db, self._clock(), "password:refused", user_id=member.user.id, address=address)
