"""Badges that sign small children in by themselves, where the school has switched them on.

A badge has 16 random bytes, of which the database keeps the SHA-256. Everybody who has it can sign in as its owner: so
it is for students alone, and off until somebody switches it on. A new one voids the one before and ends its owner's
sign-ins.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from channels.member import STUDENT
from server.accounts.browser_sign_in import MAX_SIGN_INS, new_sign_in
from server.accounts.identifiers import by_name
from server.accounts.refusals import SignInRefused
from server.accounts.sign_ins import SignIns
from server.clock import Clock
from server.databases import DbSessions, reading, writing
from server.databases.badges import badges_on, owner_of, replace_badges, students_of, switch_badges
from server.databases.changes import note_changes
from server.databases.credentials import (
    BROWSER,
    add_credentials,
    end_credentials_of,
    end_oldest_sign_ins,
    hash_secret,
)
from server.databases.outbox import note_audited

# 128 bits: nobody guesses one, so that no slow hash is needed.
SECRET_BYTES = 16


class Pupil(NamedTuple):
    """A student of a class who may have a badge."""

    id: int
    name: str
    login: str


class Badge(NamedTuple):
    """A new badge; its secret is shown only now."""

    name: str
    secret: str


class Badges:
    """The badges of the school. Every coroutine may raise DatabaseUnavailable."""

    def __init__(
        self,
        sessions: DbSessions,
        clock: Clock,
        forget: Callable[[set[int]], None],
        sign_ins: SignIns,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._forget = forget
        self._sign_ins = sign_ins

    async def are_on(self) -> bool:
        """Return whether the school has switched them on."""
        async with reading(self._sessions) as db:
            return await badges_on(db)

    async def switch(self, by: int, *, on: bool) -> None:
        """Switch them on or off; those that were made are valid again when they are on again."""
        async with writing(self._sessions) as db:
            await switch_badges(db, on=on)
            await note_audited(db, self._clock(), "badges:on" if on else "badges:off", user_id=by)

    async def pupils(self, class_id: int) -> list[Pupil]:
        """Return who of a class may have one, by name."""
        async with reading(self._sessions) as db:
            found = [Pupil(*row) for row in await students_of(db, class_id)]
        return sorted(found, key=lambda each: by_name(each.name))

    async def make(self, pupils: list[Pupil], by: int) -> list[Badge]:
        """Make a badge for each of them, in their order; `by` is the user who does."""
        made = {each.id: secrets.token_urlsafe(SECRET_BYTES) for each in pupils}
        hashes = {user_id: hash_secret(secret) for user_id, secret in made.items()}
        async with writing(self._sessions) as db:
            now, ended = self._clock(), set[int]()
            for user_id in await replace_badges(db, hashes, now):
                ended |= await end_credentials_of(db, user_id, BROWSER)
            await note_audited(db, now, "badges:made", user_id=by, users=len(pupils))
            await note_changes(db, ended, now)
        self._forget(ended)
        return [Badge(each.name, made[each.id]) for each in pupils]

    async def sign_in(self, secret: str, address: str, device: str) -> str:
        """Return the secret of a new sign-in of a badge's owner; raise SignInRefused where the badge is not valid."""
        async with self._sign_ins.counted():
            return await self._sign_in(secret, address, device)

    async def _sign_in(self, secret: str, address: str, device: str) -> str:
        async with reading(self._sessions) as db:  # what anybody may ask for must not wait for a turn to write
            known = await owner_of(db, hash_secret(secret))
        if known is None:
            raise SignInRefused("badge")
        async with writing(self._sessions) as db:
            owner = await owner_of(db, hash_secret(secret), lock=True)
            if owner is None or not owner.may_sign_in or owner.role != STUDENT or not await badges_on(db):
                raise SignInRefused("badge")
            now = self._clock()
            owner.signed_in_at = now
            made, new = new_sign_in(owner.id, now, device)
            await add_credentials(db, [new])
            ended = await end_oldest_sign_ins(db, owner.id, MAX_SIGN_INS)
            await note_audited(db, now, "badge:used", user_id=owner.id, address=address, device=device)
            await note_changes(db, ended, now)
        self._forget(ended)
        return made
