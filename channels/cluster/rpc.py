"""Passing a request to the worker that it is meant for, and the answer back, over the broker.

    ask -> Asked on the owner's channel -> serve there -> Answered on the asker's channel -> ask returns

A broker may lose either. So each request has a deadline, and three shorter ways to an end: nobody listens on the
owner's channel, so it is gone, which is looked at again as long as anybody waits for it; the broker is away; the broker
was away and is back, so that an answer may have been lost. Whoever asks must be able to ask again: a poll can be
repeated, a push has an id.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from itertools import count

import msgspec

from channels.errors import ChannelError
from channels.limit import MAX_RELAYED, MAX_RELAYED_BYTES

log = logging.getLogger(__name__)

# How long an owner may take that is there and says nothing: longer than it holds a poll, and than it lets a push wait.
ANSWER_SECONDS = 14.0


class OwnerGone(ChannelError):
    """The worker is not there any more, or does not answer: what it kept is lost with it."""


class RelayAway(ChannelError):
    """The worker cannot be reached now. `sent`: the request may have reached it, only the answer did not come."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("another worker cannot be reached")
        self.sent = sent


class Asked(msgspec.Struct, array_like=True, frozen=True, tag="asked"):
    """A request to a worker, the asker's `number`-th."""

    asker: str
    number: int
    request: msgspec.Raw


class Answered(msgspec.Struct, array_like=True, frozen=True, tag="answered"):
    """The answer to a request."""

    number: int
    answer: bytes


class Probe(msgspec.Struct, array_like=True, frozen=True, tag="probe"):
    """Nothing: it is said to see whether anybody hears it."""


Serve = Callable[[bytes], "asyncio.Future[bytes]"]


def channel_of(worker: str) -> str:
    """Return the broker's topic on which a worker hears what is meant for it; no client can join it."""
    return f"worker:{worker}"


class Relay:
    """This worker's end. `tell` sends bytes on a channel of the broker, `is_away` says whether that is of no use now.

    `serve` is to be set to what answers the requests of other workers.
    """

    def __init__(self, worker: str, tell: Callable[[str, bytes], None], is_away: Callable[[], bool]) -> None:
        self.worker = worker
        self.serve: Serve | None = None
        self._tell = tell
        self._is_away = is_away
        self._numbers = count(1)
        self._waiting: dict[int, tuple[str, asyncio.Future[bytes]]] = {}
        self._bytes = 0
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Asked | Answered | Probe)

    @property
    def is_away(self) -> bool:
        """Tell whether other workers cannot be reached now."""
        return self._is_away()

    async def ask(self, owner: str, request: bytes) -> bytes:
        """Return what another worker answers; raises OwnerGone or RelayAway."""
        if self._is_away() or len(self._waiting) >= MAX_RELAYED or self._bytes + len(request) > MAX_RELAYED_BYTES:
            raise RelayAway(sent=False)
        number = next(self._numbers)
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = owner, answered
        self._bytes += len(request)
        self._tell(channel_of(owner), self._encoder.encode(Asked(self.worker, number, msgspec.Raw(request))))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answered
        except TimeoutError:
            raise OwnerGone(f"worker {owner} does not answer") from None
        finally:
            del self._waiting[number]
            self._bytes -= len(request)

    def receive(self, data: bytes) -> None:
        """Take what was said on this worker's channel; what cannot be read comes from another version."""
        try:
            message = self._decoder.decode(data)
        except msgspec.DecodeError as error:
            log.debug("a worker asks what this version does not know: %s", error)
            return
        if isinstance(message, Asked):
            self._serve(message)
        elif isinstance(message, Answered) and message.number in self._waiting:
            _, answered = self._waiting[message.number]
            if not answered.done():
                answered.set_result(message.answer)

    def _serve(self, asked: Asked) -> None:
        assert self.serve is not None, "a worker whose channel is heard serves"
        self.serve(bytes(asked.request)).add_done_callback(lambda served: self._answer(asked, served))

    def _answer(self, asked: Asked, served: "asyncio.Future[bytes]") -> None:
        if served.cancelled():
            return
        if served.exception() is not None:
            log.error("a request of worker %s could not be served", asked.asker, exc_info=served.exception())
            return
        self._tell(channel_of(asked.asker), self._encoder.encode(Answered(asked.number, served.result())))

    def no_subscribers(self, channel: str) -> None:
        """Note that nobody listens on a channel: whoever waits for that worker waits in vain."""
        self._fail(lambda owner: channel_of(owner) == channel, lambda: OwnerGone("that worker is gone"))

    def resubscribed(self, channels: Collection[str]) -> None:
        """Note which channels the broker has again: on this worker's own one, answers may have been lost."""
        if channel_of(self.worker) in channels:
            self.interrupted()

    def look(self) -> None:
        """Let nobody wait for a broker that is away, or for a worker that has gone meanwhile; to be called often."""
        if self._is_away():
            self.interrupted()
            return
        for owner in {owner for owner, _ in self._waiting.values()}:
            self._tell(channel_of(owner), self._encoder.encode(Probe()))

    def interrupted(self) -> None:
        """Note that the broker is away, or was: answers may have been lost."""
        self._fail(lambda owner: True, lambda: RelayAway(sent=True))

    def _fail(self, concerns: Callable[[str], bool], error: Callable[[], ChannelError]) -> None:
        for owner, answered in self._waiting.values():
            if concerns(owner) and not answered.done():
                answered.set_exception(error())
