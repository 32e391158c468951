"""Remote procedure calls between workers, over the broker: a request to one worker, and its response.

    call -> Request on the owner's channel -> serve there -> Response on the caller's channel -> call returns

A broker may lose either. So a call ends in one of five ways: with the response; with `WorkerGone` when nobody is
subscribed to the owner's channel, which is asked again while a call waits, or when the owner does not respond in time;
with `WorkerUnreachable` while the broker is away, or when it was away meanwhile and the response may be lost. A caller
must be able to repeat a request: a poll can be repeated, a push has an id.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from itertools import count
from typing import Protocol

import msgspec

from channels.cluster.message import decoded
from channels.errors import ChannelError
from channels.limit import MAX_RPC_BYTES, MAX_RPC_CALLS

log = logging.getLogger(__name__)

# How often `Rpc.check` is called.
CHECK_SECONDS = 0.5

# Calls end after so many checks, 14 s: longer than an owner holds a poll, and than it lets a push wait. Counted in
# checks, because while this worker's loop stands still it can receive no response.
MAX_CHECKS = 28


class WorkerGone(ChannelError):
    """The worker has ended, or does not respond: what it kept is lost."""


class WorkerUnreachable(ChannelError):
    """The worker cannot be reached now. `sent`: it may have received the request, only the response did not come."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("another worker cannot be reached")
        self.sent = sent


class Request(msgspec.Struct, array_like=True, frozen=True, tag="request"):
    """The caller's `number`-th request."""

    caller: str
    number: int
    body: msgspec.Raw


class Response(msgspec.Struct, array_like=True, frozen=True, tag="response"):
    """The response to the request of that number."""

    number: int
    body: bytes


class Probe(msgspec.Struct, array_like=True, frozen=True, tag="probe"):
    """An empty message, published to learn whether anybody is subscribed."""


class RpcListener(Protocol):
    """Serves the requests of other workers."""

    def serve(self, request: bytes) -> "asyncio.Future[bytes]":
        """Begin to serve a request; a future that is cancelled or fails leaves it without a response."""


class _Call:
    __slots__ = ("checks", "owner", "response")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.checks = 0

    def fail(self, error: ChannelError) -> None:
        if not self.response.done():
            self.response.set_exception(error)


def channel_of(worker: str) -> str:
    """Return the broker's channel on which a worker receives requests and responses; no client can join it."""
    return f"worker:{worker}"


class Rpc:
    """This worker's end.

    `publish` sends bytes on a channel of the broker, and `connected` tells whether that reaches the others now.
    """

    def __init__(
        self,
        worker: str,
        publish: Callable[[str, bytes], None],
        connected: Callable[[], bool],
        *,
        max_checks: int = MAX_CHECKS,
    ) -> None:
        self.worker = worker
        self._publish = publish
        self._connected = connected
        self._max_checks = max_checks
        self._listener: RpcListener | None = None
        self._numbers = count(1)
        self._calls: dict[int, _Call] = {}
        self._bytes = 0
        self.outcomes: Counter[str] = Counter()  # of this worker's calls since the start, for a monitor
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Request | Response | Probe)

    @property
    def connected(self) -> bool:
        """Tell whether other workers can be reached now."""
        return self._connected()

    def start(self, listener: RpcListener) -> None:
        """Serve the requests of other workers from now on; until then they are dropped."""
        self._listener = listener

    async def call(self, owner: str, request: bytes) -> bytes:
        """Return a worker's response to a request (MessagePack); raises WorkerGone or WorkerUnreachable."""
        try:
            response = await self._call(owner, request)
        except ChannelError as error:
            self.outcomes["gone" if isinstance(error, WorkerGone) else "unreachable"] += 1
            raise
        self.outcomes["answered"] += 1
        return response

    async def _call(self, owner: str, request: bytes) -> bytes:
        if not self._connected() or len(self._calls) >= MAX_RPC_CALLS or self._bytes + len(request) > MAX_RPC_BYTES:
            raise WorkerUnreachable(sent=False)
        number = next(self._numbers)
        call = self._calls[number] = _Call(owner)
        self._bytes += len(request)
        self._publish(channel_of(owner), self._encoder.encode(Request(self.worker, number, msgspec.Raw(request))))
        try:
            return await call.response
        finally:
            del self._calls[number]
            self._bytes -= len(request)

    def receive(self, data: bytes) -> None:
        """Handle a message on this worker's channel; ignores what it cannot decode, which another version sent."""
        message = decoded(self._decoder, data)
        if message is None:
            return
        if isinstance(message, Request):
            self._serve(message)
        elif isinstance(message, Response) and message.number in self._calls:
            response = self._calls[message.number].response
            if not response.done():
                response.set_result(message.body)

    def _serve(self, request: Request) -> None:
        if self._listener is not None:
            served = self._listener.serve(bytes(request.body))
            served.add_done_callback(lambda served: self._respond(request, served))

    def _respond(self, request: Request, served: "asyncio.Future[bytes]") -> None:
        if served.cancelled():
            return
        if served.exception() is not None:
            log.error("A request of worker %s could not be served", request.caller, exc_info=served.exception())
            return
        self._publish(channel_of(request.caller), self._encoder.encode(Response(request.number, served.result())))

    def check(self) -> None:
        """End calls that wait too long or in vain, and probe the workers they wait for; call it every CHECK_SECONDS."""
        if not self._connected():
            self.interrupted()
            return
        for call in self._calls.values():
            call.checks += 1
            if call.checks > self._max_checks:
                call.fail(WorkerGone(f"worker {call.owner} does not respond"))
        for owner in {call.owner for call in self._calls.values()}:
            self._publish(channel_of(owner), self._encoder.encode(Probe()))

    # What the broker tells (`BusListener`)

    def no_subscribers(self, channel: str) -> None:
        """End the calls of a worker that is not subscribed to its channel any more."""
        for call in self._calls.values():
            if channel_of(call.owner) == channel:
                call.fail(WorkerGone(f"worker {call.owner} is gone"))

    def resubscribed(self, channels: Collection[str]) -> None:
        """Note that responses on this worker's channel may be lost."""
        if channel_of(self.worker) in channels:
            self.interrupted()

    def interrupted(self) -> None:
        """End all calls: their responses may be lost."""
        for call in self._calls.values():
            call.fail(WorkerUnreachable(sent=True))
