"""Signing in with what is kept here: a password, or the first time a one-time code.

    a turn among those who wait  ->  throttle: too many wrong ones?  ->  the slow hash  ->  a new sign-in

Who has left the roster, has no password or does not exist is refused in the same words and the same time.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from server.accounts import known_browser
from server.accounts.browser_sign_in import MAX_SIGN_INS, new_sign_in
from server.accounts.fair_queue import Client
from server.accounts.identifiers import normal_code, normal_login
from server.accounts.passwords import Passwords, check_new_password
from server.accounts.refusals import SignInRefused
from server.accounts.sign_ins import SignIns
from server.accounts.throttle import Admission, Throttle, forgive, network
from server.clock import Clock
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account
from server.databases.changes import note_changes
from server.databases.credentials import BROWSER, add_credentials, end_credentials_of, end_oldest_sign_ins
from server.databases.outbox import note_audited, note_refused
from server.databases.users import find_user, set_password


class LocalSignIn:
    """The users' sign-ins with a password or a code. Every coroutine may raise DatabaseUnavailable.

    `forget` is called with the users whose sign-ins have ended, after the commit; `roles` are those that may sign in so
    (None: all of them).
    """

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock,
        passwords: Passwords,
        throttle: Throttle,
        forget: Callable[[set[int]], None],
        sign_ins: SignIns,
        *,
        roles: Collection[str] | None,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._passwords = passwords
        self._throttle = throttle
        self._forget = forget
        self._sign_ins = sign_ins
        self._roles = roles

    async def sign_in(
        self, login: str, password: str, address: str, *, known: str = "", ticket: str = "", device: str = ""
    ) -> str:
        """Sign in with a password; return the secret of the new sign-in, or raise SignInRefused.

        `known` is the cookie of accounts that know this browser (`remember_browser`), `ticket` that of a refusal.
        `device` names the browser for its user (accounts/device.py).
        """
        login = normal_login(login)
        async with self._sign_ins.counted(), self._turn(login, address, known) as (account, browser):
            admission = await self._throttle.check(login, address, browser, ticket)
            await self._throttle.count(login, address, admission, browser)
            right = await self._passwords.verify(account.password_hash if account else None, password)
            if account is None or not right:
                await self._note_refused(account, address, device)
                raise SignInRefused("wrong")
            await self._check_local(account, address, device)
            return await self._add_sign_in(account, address, browser if admission is Admission.KNOWN else "", device)

    async def remember_browser(self, known: str, login: str) -> str:
        """Return the cookie by which this user's account knows the browser that has just signed in."""
        account = await self._find(normal_login(login))
        if account is None or account.password_hash is None:
            return known
        return known_browser.add(known, account.id, account.password_hash)

    async def patience(self, login: str, address: str, *, known: str = "", ticket: str = "") -> tuple[int, str]:
        """Return for how many seconds to wait before a sign-in, and the ticket to sign in with then; else 0 and "".

        A ticket that is good already is kept for the sign-in itself.
        """
        login = normal_login(login)
        try:
            async with self._turn(login, address, known) as (_, browser):
                await self._throttle.check(login, address, browser, ticket, keep=True)
        except SignInRefused as refused:
            return refused.retry_after, refused.ticket
        return 0, ticket

    async def redeem_code(
        self, login: str, code: str, new_password: str, address: str, *, ticket: str = "", device: str = ""
    ) -> str:
        """Sign in for the first time, with a one-time code and a new password; `ticket` is that of a refusal.

        Return the secret of the new sign-in; raise PasswordRefused, and the code stays good, or SignInRefused.
        """
        login = normal_login(login)
        check_new_password(login, new_password)
        async with self._sign_ins.counted(), self._turn(login, address, "") as (account, _):
            admission = await self._throttle.check(login, address, ticket=ticket)
            await self._throttle.count(login, address, admission)
            right = await self._passwords.verify(account.code_hash if account else None, normal_code(code))
            if account is None or not right:
                await self._note_refused(account, address, device)
                raise SignInRefused("code")
            await self._check_local(account, address, device)
            password_hash = await self._passwords.hash(new_password)
            return await self._redeem(account, password_hash, address, device)

    @asynccontextmanager
    async def _turn(self, login: str, address: str, known: str) -> AsyncIterator[tuple[Account | None, str]]:
        """Wait for a turn to sign in; give the account, and this browser's number if the account knows it.

        Nothing is read before the turn: a flood of guesses would fill the queue of the database. So a cookie is a claim
        at first, which goes ahead. If the account does not know the browser, it waits again, with the strangers.
        """
        client = Client(network(address), login)
        if known:
            async with self._passwords.slot(client._replace(is_known=True)):
                account = await self._find(login)
                if browser := known_browser.of_account(known, account):
                    yield account, browser
                    return
        async with self._passwords.slot(client):
            yield await self._find(login), ""

    async def _check_local(self, account: Account, address: str, device: str) -> None:
        """Refuse a right password where the school wants this role to sign in through its provider."""
        if self._roles is not None and account.role not in self._roles:
            await self._note_refused(account, address, device)
            raise SignInRefused("elsewhere")

    async def _note_refused(self, account: Account | None, address: str, device: str) -> None:
        async with writing(self._sessions) as db:
            user_id = account.id if account is not None else None
            await note_refused(db, self._clock(), user_id, address=address, device=device)

    async def _find(self, login: str) -> Account | None:
        async with reading(self._sessions) as db:
            return await find_user(db, login)

    async def _add_sign_in(self, account: Account, address: str, browser: str, device: str) -> str:
        """Store a new sign-in, unless the password changed or the account was disabled meanwhile."""
        now = self._clock()
        async with writing(self._sessions) as db:
            found = await find_user(db, account.login, lock=True)
            if found is None or not found.may_sign_in or found.password_hash != account.password_hash:
                raise SignInRefused("wrong")
            secret, new = new_sign_in(found.id, now, device)
            await add_credentials(db, [new])
            found.signed_in_at = now
            ended = await end_oldest_sign_ins(db, found.id, MAX_SIGN_INS)
            await forgive(db, found.login, address, browser)
            await note_audited(db, now, "sign-in:made", user_id=found.id, address=address, device=device)
            await note_changes(db, ended, now)
        self._forget(ended)
        return secret

    async def _redeem(self, account: Account, password_hash: str, address: str, device: str) -> str:
        """Store the new password, unless the code was used, replaced or expired meanwhile."""
        now = self._clock()
        async with writing(self._sessions) as db:
            found = await find_user(db, account.login, lock=True)
            if found is None or not _is_good(found, account.code_hash, now):
                raise SignInRefused("code")
            set_password(found, password_hash)
            found.signed_in_at = now
            ended = await end_credentials_of(db, found.id, BROWSER)
            secret, new = new_sign_in(found.id, now, device)
            await add_credentials(db, [new])
            await forgive(db, found.login, address)
            await note_audited(db, now, "password:chosen", user_id=found.id, address=address, device=device)
            await note_changes(db, ended, now)
        self._forget(ended)
        return secret


def _is_good(account: Account, code_hash: str | None, now: int) -> bool:
    return account.may_sign_in and account.code_hash == code_hash and (account.code_expires_at or 0) > now
