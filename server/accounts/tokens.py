"""The tokens with which programs connect as a user: made, listed, revoked by the school's office.

A token is shown once and kept as its SHA-256. One that only reads may push nothing that changes anything; the engine
asks at each push, and pages at each form.
"""

from collections.abc import Callable
from typing import NamedTuple

from server.accounts.identifiers import normal_login
from server.accounts.refusals import UserError
from server.clock import DAY, Clock
from server.databases import DbSessions, reading, writing
from server.databases.changes import note_changes
from server.databases.credentials import TOKEN, NewCredential, TokenRow, add_credentials, end_token, find_tokens
from server.databases.outbox import note_audited
from server.databases.users import find_user

# As wide as the column.
MAX_LABEL_CHARACTERS = 64
# Ten years: longer than any program is looked after.
MAX_DAYS = 3_650

NewToken = Callable[[str, int, int, int], tuple[str, NewCredential]]


class MadeToken(NamedTuple):
    """A token, shown only now."""

    login: str
    label: str
    secret: str


class Tokens:
    """The tokens of all programs. Every coroutine may raise DatabaseUnavailable.

    `by` is the id of who does it, None for a command. `changed` is called after the commit with the users concerned.
    """

    def __init__(
        self, sessions: DbSessions, clock: Clock, new_credential: NewToken, changed: Callable[[set[int]], None]
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._new_credential = new_credential
        self._changed = changed

    async def all(self) -> list[TokenRow]:
        """Return the tokens that are valid now, the newest first."""
        async with reading(self._sessions) as db:
            return await find_tokens(db, self._clock())

    async def make(self, by: int | None, login: str, label: str, *, only_reads: bool, days: int) -> MadeToken:
        """Make a token with which a program connects as this user; raise UserError where it cannot be."""
        label = label.strip()
        if not 1 <= len(label) <= MAX_LABEL_CHARACTERS:
            raise UserError(f"A token has a name of 1 to {MAX_LABEL_CHARACTERS} characters.", "label")
        now = self._clock()
        async with writing(self._sessions) as db:
            user = await find_user(db, normal_login(login), lock=True)
            if user is None or not user.may_sign_in:
                raise UserError("Nobody with this login may sign in.", "nobody")
            secret, new = self._new_credential(TOKEN, user.id, now, now + min(days, MAX_DAYS) * DAY)
            await add_credentials(db, [new._replace(label=label, only_reads=only_reads)])
            detail = {"label": label, "scope": "read" if only_reads else "write"}
            await note_audited(db, now, "token:made", user_id=by, subject_id=user.id, **detail, days=days)
        return MadeToken(user.login, label, secret)

    async def revoke(self, by: int | None, credential_id: int) -> None:
        """End a token with its open connections; raise UserError where there is none."""
        now = self._clock()
        async with writing(self._sessions) as db:
            ended = await end_token(db, credential_id)
            if not ended:
                raise UserError("There is no such token.", "gone")
            for user_id in ended:
                await note_audited(db, now, "token:revoked", user_id=by, subject_id=user_id)
            await note_changes(db, ended, now)
        self._changed(ended)
