"""The long-poll transport: a session whose transport is a series of polls.

    poll(n) --> answer n + 1 as soon as there are messages, or "nothing" after POLL_SECONDS
    poll(n + 1): answer n + 1 has arrived and is dropped          poll(n) again: it was lost and is sent again

An answer is kept until the next poll acknowledges it, so a client that repeats unanswered polls receives every message
once, in order. Messages between polls wait in the session's bounded outbox. This module knows neither HTTP (see
`longpoll`) nor other workers (see `poll_sessions`).

The reasons: docs/notes/long-polling.md.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import msgspec

from channels.engine.engine import Engine
from channels.errors import TOO_SLOW, Closing
from channels.limit import (
    LAST_POLL_SECONDS,
    LONGPOLL_IDLE_SECONDS,
    MAX_POST_FRAMES,
    MAX_PUSHES_WAITING,
    MAX_SESSIONS_OF_ADDRESS,
    MIN_POLL_INTERVAL_SECONDS,
    POLL_SECONDS,
    PUSH_SECONDS,
    REPLY_ROOM_BYTES,
)
from channels.sessions.session import Session

PollAnswer = asyncio.Future[bytes]


def status_body(status: int, /, **more: object) -> bytes:
    """Return an answer's body that carries no messages."""
    return msgspec.json.encode({"status": status, **more})


def gone(closing: Closing | None = None) -> bytes:
    """Return the answer for a session that does not exist any more. `closing`: how it ended, if known.

    Phoenix opens a new session here, whose token stock clients since 1.8 discard. Without a token, all clients open
    one themselves, and no unused sessions are left.
    """
    ending = {"code": closing.code, "reason": closing.reason} if closing is not None else {}
    return status_body(410, token=None, messages=[], **ending)


@dataclass(frozen=True, slots=True)
class PollBounds:
    """What bounds polls, in seconds and bytes; `channels.limit` has the reasons."""

    poll_seconds: float = POLL_SECONDS
    last_poll_seconds: float = LAST_POLL_SECONDS
    push_seconds: float = PUSH_SECONDS
    reply_room_bytes: int = REPLY_ROOM_BYTES
    max_sessions_of_address: int = MAX_SESSIONS_OF_ADDRESS


USUAL_BOUNDS = PollBounds()


class PollSessionListener(Protocol):
    """What a poll session tells its owner."""

    def sign(self, poll_session: "PollSession", answer: int) -> str:
        """Make the token that acknowledges the `answer`-th answer of a poll session."""

    def note_held(self, poll_session: "PollSession", *, held: bool) -> None:
        """Note that a poll is held (`held`), or no longer is."""

    def note_end(self, poll_session: "PollSession") -> None:
        """Note, once, that the session has ended."""


class PollSession:
    """One session that is polled: `name` is its name in tokens, `address` its client's address."""

    __slots__ = (
        "_answer",
        "_answered_at",
        "_bounds",
        "_delayed",
        "_engine",
        "_has_ended",
        "_held",
        "_listener",
        "_number",
        "_push_lock",
        "_pushes",
        "_room",
        "address",
        "name",
        "session",
    )

    def __init__(
        self,
        name: str,
        address: str,
        session: Session,
        engine: Engine,
        listener: PollSessionListener,
        bounds: PollBounds = USUAL_BOUNDS,
    ) -> None:
        session.transport = self
        session.blocked = session.ephemeral_waits = True
        session.ended_joins = deque(maxlen=MAX_POST_FRAMES)  # one request, which may be repeated, ends no more
        session.idle_seconds = LONGPOLL_IDLE_SECONDS
        self.name = name
        self.address = address
        self.session = session
        self._engine = engine
        self._listener = listener
        self._bounds = bounds
        self._has_ended = False
        self._number = 0  # of the last answer
        self._answer: bytes | None = None  # the last one, until it is known to have arrived
        self._answered_at = float("-inf")
        self._held: PollAnswer | None = None
        self._delayed: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._push_lock: asyncio.Lock | None = None
        self._pushes = 0

    @property
    def token(self) -> str:
        """Return the token with which the next poll acknowledges everything so far."""
        return self._listener.sign(self, self._number)

    # Polls

    def poll(self, number: int) -> PollAnswer:
        """Return the answer to a client that has received the `number`-th one; cancel it when the client hangs up."""
        answer: PollAnswer = asyncio.get_running_loop().create_future()
        self._engine.touch(self.session)
        if number == self._number:
            self._answer = None
            self._hold(answer)
        elif number == self._number - 1 and self._answer is not None:
            answer.set_result(self._answer)
        else:
            # A later poll has overtaken this one, so nobody waits for it; or the kept answer was dropped.
            answer.set_result(gone(self.session.closing))
        return answer

    def _hold(self, answer: PollAnswer) -> None:
        self.nothing()  # a client that polls again has given up its last poll, even if we have not seen it hang up
        self._held = answer
        answer.add_done_callback(self._release)
        self.session.blocked = False
        self._listener.note_held(self, held=True)
        if self.session.has_waiting or self.session.closing is not None:
            self._answer_held()

    def nothing(self) -> None:
        """Answer the held poll, if any, with no messages."""
        if self._held is not None and not self._held.done():
            self._held.set_result(status_body(204, token=self.token, messages=[]))

    def _release(self, answer: PollAnswer) -> None:
        if answer is not self._held:
            return
        self._held = None
        self.session.blocked = True
        self._listener.note_held(self, held=False)

    def flush(self) -> None:
        """Answer the held poll with the session's messages, but not within MIN_POLL_INTERVAL_SECONDS of the last."""
        if self.session.closing is not None:
            self._end()
        if self._held is None or self._held.done() or self._delayed is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._answered_at + MIN_POLL_INTERVAL_SECONDS
        if self.session.closing is None and loop.time() < due:
            self._delayed = loop.call_at(due, self._answer_delayed)
        else:
            self._answer_held()

    def _answer_delayed(self) -> None:
        self._delayed = None
        if self._held is not None and not self._held.done():
            self._answer_held()

    def _answer_held(self) -> None:
        assert self._held is not None
        items = self.session.take()
        self._make_room()
        if items:
            self._held.set_result(self._keep(items))
        elif self.session.closing is not None:
            self._held.set_result(gone(self.session.closing))
        self._answered_at = asyncio.get_running_loop().time()

    def _keep(self, items: bytes) -> bytes:
        self._number += 1
        self._answer = b'{"status":200,"token":"%b","messages":[%b]}' % (self.token.encode(), items[:-1])
        return self._answer

    def _end(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        if self.session.closing is TOO_SLOW:
            self._answer = None
        self._engine.disconnect(self.session)
        self._listener.note_end(self)

    # Pushes

    async def push(self, frames: list[bytes]) -> bytes:
        """Pass frames to the engine, one after the other; return the answer's body.

        Replies wait for a poll. When they do not fit, the next frame waits too, up to push_seconds: then 408.
        """
        if self._pushes >= MAX_PUSHES_WAITING:
            return status_body(408)
        self._pushes += 1
        try:
            if self._push_lock is None:
                self._push_lock = asyncio.Lock()
            async with self._push_lock:
                return await self._push_all(frames)
        finally:
            self._pushes -= 1

    async def _push_all(self, frames: list[bytes]) -> bytes:
        deadline = asyncio.get_running_loop().time() + self._bounds.push_seconds
        for data in frames:
            work = self._engine.handle(self.session, data)
            if work is not None:
                await work
            if self.session.closing is not None:
                return gone(self.session.closing)
            if not await self._has_room(deadline):
                return status_body(408)
        return status_body(200)

    async def _has_room(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        while self.session.waiting_bytes > self._bounds.reply_room_bytes and self.session.closing is None:
            self._room = loop.create_future()
            await asyncio.wait((self._room,), timeout=deadline - loop.time())
            if loop.time() >= deadline:
                return False
        return True

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
