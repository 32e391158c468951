"""All poll sessions of one worker, and the route to those of other workers: a client may ask any worker.

    open -> a token that names this worker          ask(token, request) -> served here, or by its owner over the broker

Requests are values, so that they can be sent to another worker. A failure on the way becomes an answer after which the
client loses nothing: poll again, push again, or open a session and join with `since`.

The reasons: docs/notes/long-polling.md.
"""

import asyncio
import logging
import random
import secrets
from collections import Counter
from typing import Any

import msgspec

from channels.cluster.rpc import WorkerGone, WorkerUnreachable
from channels.engine.engine import Engine
from channels.errors import Closing, Code, Refused
from channels.limit import MAX_PUSHES_WAITING
from channels.member import Member, RoleName
from channels.pace import until_tick
from channels.transports.poll_session import USUAL_BOUNDS, PollAnswer, PollBounds, PollSession, gone, status_body
from channels.transports.poll_token import PollToken, TokenSigner
from channels.wire.codec import POLL, POLL_OBJECTS

log = logging.getLogger(__name__)

# How often held polls are checked for those to be answered "nothing": one sweep for all instead of a timer for each.
SWEEP_SECONDS = 0.5

# The longest that a poll waits before it is answered when the worker of its session cannot be reached.
AWAY_SECONDS = 1.0

_LEFT = Closing(1000, "left", reconnect=False)


class PollRequest(msgspec.Struct, array_like=True, frozen=True, tag="poll"):
    """A poll of a role's session by a client that has received the `number`-th answer."""

    session: str
    role: RoleName
    number: int


class PushRequest(msgspec.Struct, array_like=True, frozen=True, tag="push"):
    """Frames for a session."""

    session: str
    role: RoleName
    frames: list[bytes]


class LeaveRequest(msgspec.Struct, array_like=True, frozen=True, tag="leave"):
    """Ends a session: its page is closed."""

    session: str
    role: RoleName


Request = PollRequest | PushRequest | LeaveRequest


class PollSessions:
    """The long-poll sessions of one worker; `start` before the first `open`.

    `away_seconds`: the longest that a poll waits before it is answered when its worker cannot be reached.
    """

    def __init__(
        self,
        engine: Engine,
        bounds: PollBounds = USUAL_BOUNDS,
        *,
        away_seconds: float = AWAY_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._sweep_seconds = sweep_seconds
        self._bounds = bounds
        self._away_seconds = away_seconds
        self._engine = engine
        self._rpc = engine.rpc
        self._signer = TokenSigner(engine.key)
        self._by_name: dict[str, PollSession] = {}
        self._addresses: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()  # being read, by session, also of other workers' sessions
        self._held: dict[PollSession, float] = {}  # since when; the oldest comes first
        self._ended: dict[str, float] = {}  # since when; the oldest comes first
        self._tasks: set[asyncio.Future[bytes]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._decoder = msgspec.msgpack.Decoder(Request)

    def start(self) -> None:
        """Begin to serve other workers, and to answer polls that have been held for their time."""
        self._rpc.start(self)
        self._sweeping = asyncio.create_task(self._sweep_forever())

    async def close(self) -> None:
        """Stop."""
        tasks: list[asyncio.Future[Any]] = [*self._tasks]
        if self._sweeping is not None:
            tasks.append(self._sweeping)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def read(self, text: str) -> PollToken | None:
        """Parse a token; return None if this school did not sign it."""
        return self._signer.read(text)

    def open(self, member: Member, revision: int, address: str, *, in_objects: bool) -> bytes:
        """Make a session for a client that polls from an address; return the answer with its token.

        Raises `Refused` (OVERLOADED) when the address has too many sessions.
        """
        if self._addresses[address] >= self._bounds.max_sessions_of_address:
            raise Refused(Code.OVERLOADED, "too many sessions from this address", retry_after=2_000)
        session = self._engine.connect(member, POLL_OBJECTS if in_objects else POLL, revision)
        name = secrets.token_hex(16)
        poll_session = self._by_name[name] = PollSession(name, address, session, self._engine, self, self._bounds)
        self._addresses[address] += 1
        return status_body(410, token=poll_session.token, messages=[])

    # Requests

    def ask(self, token: PollToken, request: Request) -> PollAnswer:
        """Return the answer's body to a request, from here or from the session's owner; cancel it on a hang-up."""
        if token.worker == self._rpc.worker:
            return self._serve(request)
        return asyncio.ensure_future(self._ask_owner(token, request))

    def may_exist(self, token: PollToken) -> bool:
        """Tell whether a token's session may exist, as far as this worker knows."""
        return token.worker != self._rpc.worker or token.session in self._by_name

    def begin_body(self, token: PollToken) -> bool:
        """Note that a POST's body is being read; return false where as many of its session's are as may be."""
        if self._bodies[token.session] >= MAX_PUSHES_WAITING:
            return False
        self._bodies[token.session] += 1
        return True

    def end_body(self, token: PollToken) -> None:
        """Note that the body has been read, or will not be."""
        self._bodies[token.session] -= 1
        if not self._bodies[token.session]:
            del self._bodies[token.session]

    def reaches(self, token: PollToken) -> bool:
        """Tell whether requests with a token can reach their session now, as far as this worker knows."""
        return token.worker == self._rpc.worker or self._rpc.connected

    async def _ask_owner(self, token: PollToken, request: Request) -> bytes:
        try:
            return await self._rpc.call(token.worker, msgspec.msgpack.encode(request))
        except WorkerGone:
            return gone()
        except WorkerUnreachable as away:
            if isinstance(request, PollRequest):
                await asyncio.sleep(random.uniform(0, self._away_seconds) if not away.sent else 0)
                return status_body(204, token=self._signer.write(token), messages=[])
            if away.sent:
                return status_body(500, code=Code.UNAVAILABLE)
            return status_body(503, code=Code.UNAVAILABLE, retry_after=int(self._away_seconds * 1000))

    def serve(self, request: bytes) -> PollAnswer:
        """Begin to answer a request that another worker received (`RpcListener`)."""
        return self._serve(self._decoder.decode(request))

    def _serve(self, request: Request) -> PollAnswer:
        poll_session = self._by_name.get(request.session)
        if poll_session is None or poll_session.session.member.user.role != request.role:
            return _at_once(gone())
        if isinstance(request, PollRequest):
            return poll_session.poll(request.number)
        if isinstance(request, LeaveRequest):
            poll_session.session.end(_LEFT)
            return _at_once(status_body(200))
        if poll_session.session.closing is not None:
            return _at_once(gone(poll_session.session.closing))
        # Shielded: a client that hangs up does not cancel the frames that come after those already handled.
        task = asyncio.ensure_future(poll_session.push(request.frames))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    # Periodic work, and calls from poll sessions (`PollSessionListener`)

    def release(self) -> None:
        """Answer every held poll with no messages: the worker stops, and their clients ask another one."""
        for poll_session in list(self._held):
            poll_session.nothing()

    def sign(self, poll_session: PollSession, answer: int) -> str:
        """Return the token that acknowledges the `answer`-th answer of a poll session."""
        return self._signer.write(PollToken(self._rpc.worker, poll_session.name, answer))

    def note_held(self, poll_session: PollSession, *, held: bool) -> None:
        """Note that a poll is held (`held`), or no longer is."""
        self._held.pop(poll_session, None)
        if held:
            self._held[poll_session] = asyncio.get_running_loop().time()

    def note_end(self, poll_session: PollSession) -> None:
        """Note that a session has ended: its last messages and the reason can be polled for a while."""
        self._forget_address(poll_session.address)
        self._ended[poll_session.name] = asyncio.get_running_loop().time()

    def _forget_address(self, address: str) -> None:
        # In O(1): 10,000 sessions may end in one turn.
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(until_tick(self._sweep_seconds))
            try:
                self._sweep(asyncio.get_running_loop().time())
            except Exception:
                log.exception("a sweep of the polls failed; the next one tries again")

    def _sweep(self, now: float) -> None:
        self._rpc.check()
        for poll_session, since in list(self._held.items()):
            if now - since < self._bounds.poll_seconds:
                break
            poll_session.nothing()
        for name, since in list(self._ended.items()):
            if now - since < self._bounds.last_poll_seconds:
                break
            del self._by_name[name], self._ended[name]


def _at_once(body: bytes) -> PollAnswer:
    answer: PollAnswer = asyncio.get_running_loop().create_future()
    answer.set_result(body)
    return answer
