"""All mailboxes of one worker, and the way to those of the others: whoever polls may ask any worker.

    open -> a token that names this worker          ask(token, request) -> the mailbox here, or its owner by the relay

Requests are values, so that they can travel. Whatever goes wrong on the way to another worker becomes an answer that
loses nothing: poll again, push again, or come back from your positions.
"""

import asyncio
import logging
import random
import secrets
from collections import Counter
from typing import Any

import msgspec

from channels.cluster.rpc import OwnerGone, RelayAway
from channels.engine.engine import Engine
from channels.errors import Closing, Code, Refused
from channels.limit import LAST_POLL_SECONDS, MAX_SESSIONS_OF_ADDRESS, POLL_SECONDS
from channels.member import Member, Role
from channels.transports.poll_session import Answer, Mailbox, gone, status_body
from channels.transports.poll_token import PollToken, TokenSigner
from channels.wire.codec import POLL, POLL_OBJECTS

log = logging.getLogger(__name__)

# How often held polls are looked through for those whose time is over: one sweep for all, no timer for each.
LOOK_SECONDS = 0.5

# Whoever polls a worker that cannot be reached asks again after about this time.
AWAY_SECONDS = 1.0

_LEFT = Closing(1000, "left", reconnect=False)


class Poll(msgspec.Struct, array_like=True, frozen=True, tag="poll"):
    """A role's session is polled by who has had the `number`-th answer."""

    session: str
    role: Role
    number: int


class Push(msgspec.Struct, array_like=True, frozen=True, tag="push"):
    """Frames for a session."""

    session: str
    role: Role
    frames: list[bytes]


class Leave(msgspec.Struct, array_like=True, frozen=True, tag="leave"):
    """A session is to end: its page goes away."""

    session: str
    role: Role


Request = Poll | Push | Leave


class Mailroom:
    """The long-poll sessions of one worker; `start` before the first `open`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._relay = engine.relay
        self._signer = TokenSigner(engine.key)
        self._boxes: dict[str, Mailbox] = {}
        self._addresses: Counter[str] = Counter()
        self._held: dict[Mailbox, float] = {}  # since when; the oldest comes first
        self._ended: dict[str, float] = {}  # since when; the oldest comes first
        self._tasks: set[asyncio.Future[bytes]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._decoder = msgspec.msgpack.Decoder(Request)

    def start(self) -> None:
        """Begin to answer other workers, and polls whose time is over."""
        self._relay.serve = lambda data: self._serve(self._decoder.decode(data))
        self._looking = asyncio.create_task(self._look_for_ever())

    async def close(self) -> None:
        """Stop."""
        tasks: list[asyncio.Future[Any]] = [*self._tasks]
        if self._looking is not None:
            tasks.append(self._looking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def read(self, text: str) -> PollToken | None:
        """Return what a token says; None where it is not one of this school's."""
        return self._signer.read(text)

    def open(self, member: Member, revision: int, address: str, *, in_objects: bool) -> bytes:
        """Make a session for a client that polls from an address; return the answer with its token.

        Raises `Refused` (OVERLOADED) where too many come from there.
        """
        if self._addresses[address] >= MAX_SESSIONS_OF_ADDRESS:
            raise Refused(Code.OVERLOADED, "too many sessions from this address", retry_after=2_000)
        session = self._engine.connect(member, POLL_OBJECTS if in_objects else POLL, revision)
        name = secrets.token_hex(16)
        box = self._boxes[name] = Mailbox(name, address, session, self._engine, self)
        self._addresses[address] += 1
        return status_body(410, token=box.token, messages=[])

    # Requests

    def ask(self, token: PollToken, request: Request) -> Answer:
        """Return the answer's body to a request, from here or from the session's owner; who hangs up cancels it."""
        if token.worker == self._relay.worker:
            return self._serve(request)
        return asyncio.ensure_future(self._ask_owner(token, request))

    def reaches(self, token: PollToken) -> bool:
        """Tell whether requests with a token come to their session now, as far as is known."""
        return token.worker == self._relay.worker or not self._relay.is_away

    async def _ask_owner(self, token: PollToken, request: Request) -> bytes:
        try:
            return await self._relay.ask(token.worker, msgspec.msgpack.encode(request))
        except OwnerGone:
            return gone()
        except RelayAway as away:
            if isinstance(request, Poll):
                await asyncio.sleep(random.uniform(0, AWAY_SECONDS) if not away.sent else 0)
                return status_body(204, token=self._signer.write(token), messages=[])
            if away.sent:
                return status_body(500, code=Code.UNAVAILABLE)
            return status_body(503, code=Code.UNAVAILABLE, retry_after=int(AWAY_SECONDS * 1000))

    def _serve(self, request: Request) -> Answer:
        box = self._boxes.get(request.session)
        if box is None or box.session.member.user.role is not request.role:
            return _at_once(gone())
        if isinstance(request, Poll):
            return box.poll(request.number)
        if isinstance(request, Leave):
            box.session.end(_LEFT)
            return _at_once(status_body(200))
        if box.session.closing is not None:
            return _at_once(gone(box.session.closing))
        # Carried out to the end also where the client hangs up: others may have heard of the first half.
        task = asyncio.ensure_future(box.push(request.frames))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    # What happens by itself

    def release(self) -> None:
        """Answer every poll that is held with nothing: the worker stops, and their clients ask another one."""
        for box in list(self._held):
            box.nothing()

    def sign(self, box: Mailbox, answer: int) -> str:
        """Make the token that says that the `answer`-th answer of a mailbox has arrived."""
        return self._signer.write(PollToken(self._relay.worker, box.name, answer))

    def note_held(self, box: Mailbox, *, held: bool) -> None:
        """Note that a poll is being held, or is not any more."""
        self._held.pop(box, None)
        if held:
            self._held[box] = asyncio.get_running_loop().time()

    def note_end(self, box: Mailbox) -> None:
        """Note that a session has ended: its last messages and the reason can be had for a while."""
        self._addresses -= Counter((box.address,))
        self._ended[box.name] = asyncio.get_running_loop().time()

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._look(asyncio.get_running_loop().time())
            except Exception:
                log.exception("polls could not be looked through; it is tried again")

    def _look(self, now: float) -> None:
        self._relay.look()
        for box, since in list(self._held.items()):
            if now - since < POLL_SECONDS:
                break
            box.nothing()
        for name, since in list(self._ended.items()):
            if now - since < LAST_POLL_SECONDS:
                break
            del self._boxes[name], self._ended[name]


def _at_once(body: bytes) -> Answer:
    answer: Answer = asyncio.get_running_loop().create_future()
    answer.set_result(body)
    return answer
