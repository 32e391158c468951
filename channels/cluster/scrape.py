"""The metrics of all workers, from any one: a request to all, and the report of each.

    collect -> Ask to every worker -> each reads its own numbers -> Report to the one that asked -> collect returns

Each worker reports only what it has counted itself since its start. So its counters never fall, whichever worker is
asked and whichever one dies. If the broker loses a report, one answer lacks it, just as after a scrape that failed.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from channels.cluster.message import decoded
from channels.metric import Sample

log = logging.getLogger(__name__)

# The broker's channel for requests; no client can join it, nor those for reports.
ASK_CHANNEL = "metrics"

# How long the others have: a worker that is busy with a large class answers within some 50 ms, and a monitor waits for
# 10 s. Who has died meanwhile costs this time until presence forgets them.
COLLECT_SECONDS = 1.0

Source = Callable[[], Iterable[Sample]]


class Report(msgspec.Struct, array_like=True, frozen=True):
    """What a worker has counted since its start; `labels` say which worker it is."""

    labels: Mapping[str, str]
    samples: list[Sample]


class Ask(msgspec.Struct, array_like=True, frozen=True, tag="ask"):
    """A worker's `number`-th request."""

    worker: str
    number: int


class Reported(msgspec.Struct, array_like=True, frozen=True, tag="reported"):
    """A worker's answer to the request of that number."""

    worker: str
    number: int
    report: Report


def channel_of(worker: str) -> str:
    """Return the broker's channel on which a worker receives reports."""
    return f"metrics:{worker}"


class Scrape:
    """This worker's end. `publish` sends bytes on a channel of the broker, which may lose them.

    `count_peers` tells how many others can be reached now. `labels` tell workers apart; `add` says what is reported.
    """

    def __init__(
        self,
        worker: str,
        publish: Callable[[str, bytes], None],
        count_peers: Callable[[], int],
        *,
        seconds: float = COLLECT_SECONDS,
    ) -> None:
        self.labels: Mapping[str, str] = {"worker": worker}
        self._worker = worker
        self._publish = publish
        self._count_peers = count_peers
        self._seconds = seconds
        self._sources: list[Source] = []
        self._number = 0
        self._reports: dict[str, Report] = {}
        self._complete: asyncio.Future[None] | None = None
        self._collecting: asyncio.Task[list[Report]] | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Ask | Reported)

    def add(self, source: Source) -> None:
        """Report what a function returns, too; it is called for each request."""
        self._sources.append(source)

    async def collect(self) -> list[Report]:
        """Return this worker's report, and those of the others that come in time; callers share a request under way."""
        if self._collecting is None or self._collecting.done():
            self._collecting = asyncio.create_task(self._collect())
        return await asyncio.shield(self._collecting)

    async def _collect(self) -> list[Report]:
        self._number += 1
        self._reports = {}
        if self._count_peers():
            self._complete = asyncio.get_running_loop().create_future()
            self._publish(ASK_CHANNEL, self._encoder.encode(Ask(self._worker, self._number)))
            await asyncio.wait([self._complete], timeout=self._seconds)
            self._complete = None
        return [self._own(), *self._reports.values()]

    def receive(self, data: bytes) -> None:
        """Handle a request or a report; ignores what it cannot decode, which another version sent."""
        message = decoded(self._decoder, data)
        if message is None:
            return
        if isinstance(message, Ask):
            answer = Reported(self._worker, message.number, self._own())
            self._publish(channel_of(message.worker), self._encoder.encode(answer))
        elif message.number == self._number and self._complete is not None:
            self._take(message)

    def _take(self, message: Reported) -> None:
        self._reports[message.worker] = message.report
        if len(self._reports) >= self._count_peers() and self._complete is not None and not self._complete.done():
            self._complete.set_result(None)

    def _own(self) -> Report:
        return Report(self.labels, list(self._read()))

    def _read(self) -> Iterator[Sample]:
        for source in self._sources:
            try:
                yield from source()
            except Exception:  # what one part cannot tell must not cost the others theirs
                log.exception("some numbers of this worker could not be read")
