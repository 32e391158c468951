"""The cost of reading one message from Redis' pub/sub: `redis.asyncio`'s PubSub compared with our own reader.

One Redis, one publisher (`bench.publisher`), the same parcels for all; the readers take turns. Only this process' CPU
is counted, the kernel's part of it included. Each reader also decodes what it has read, as a worker must.

* **PubSub**: `async for message in pubsub.listen()`, as the documentation of redis-py leads to it.
* **Lousa**: `channels.broker.redis`, whole.
* **bare socket**: a blocking socket and `hiredis.Reader`, without an event loop: the floor in Python.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hiredis
import msgspec
from redis.asyncio import Redis

from bench.publisher import CHANNELS, PREFIX
from bench.result import MICROSECONDS, keep, say, table
from channels.broker.broker import Envelope
from channels.broker.redis import Parcel, RedisBroker
from tests.lousa import ROOT
from tests.redis import RedisServer

WARM_UP_SECONDS = 0.5
DECODER = msgspec.msgpack.Decoder(Parcel)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: how many messages were read, so many of them published together; the CPU in seconds."""

    reader: str
    together: int
    messages: int
    seconds: float
    cpu: float

    @property
    def cost(self) -> float:
        """The CPU of one message, in microseconds."""
        return self.cpu / self.messages * MICROSECONDS


class Meter:
    """Counts messages and CPU after the warm-up; it is also a broker's listener."""

    def __init__(self, seconds: float) -> None:
        self.messages = 0
        self.seconds = seconds
        self._began = self._cpu = 0.0

    def received(self, batch: Sequence[Envelope]) -> None:
        """Count delivered messages."""
        self.messages += len(batch)

    def resubscribed(self, topics: Collection[str]) -> None:
        """Do nothing: earlier messages belong to the warm-up."""

    def no_subscribers(self, topic: str) -> None:
        """Do nothing: this process publishes nothing."""

    def doubted(self) -> None:
        """Do nothing: what is lost is not missed."""

    async def run(self) -> tuple[int, float, float]:
        """Measure while the event loop reads."""
        await asyncio.sleep(WARM_UP_SECONDS)
        self.begin()
        await asyncio.sleep(self.seconds)
        return self.end()

    def begin(self) -> None:
        """Start counting."""
        self.messages, self._began, self._cpu = 0, time.perf_counter(), time.process_time()

    def end(self) -> tuple[int, float, float]:
        """Return the messages, the seconds and the CPU seconds."""
        return self.messages, time.perf_counter() - self._began, time.process_time() - self._cpu


async def _read_by_pubsub(path: str, meter: Meter) -> tuple[int, float, float]:
    client = Redis.from_url(f"unix://{path}", protocol=2)
    pubsub = client.pubsub()

    async def listen() -> None:
        async for message in pubsub.listen():
            if message["type"] == "message":
                meter.messages += len(DECODER.decode(message["data"]).envelopes)

    await pubsub.subscribe(*(PREFIX + channel for channel in CHANNELS))
    listening = asyncio.create_task(listen())
    figures = await meter.run()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await pubsub.aclose()  # type: ignore[no-untyped-call]
    await client.aclose()
    return figures


async def _read_by_broker(path: str, meter: Meter) -> tuple[int, float, float]:
    broker = RedisBroker(f"unix://{path}", PREFIX)
    for channel in CHANNELS:
        broker.subscribe(channel)
    broker.start(meter)
    figures = await meter.run()
    await broker.close()
    return figures


async def _read_bare(path: str, meter: Meter) -> tuple[int, float, float]:
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(path)
        redis.sendall(b"SUBSCRIBE " + " ".join(PREFIX + channel for channel in CHANNELS).encode() + b"\r\n")
        parser = hiredis.Reader()
        for seconds in (WARM_UP_SECONDS, meter.seconds):
            meter.begin()
            _read_for(seconds, redis, parser, meter)
        return meter.end()


def _read_for(seconds: float, redis: socket.socket, parser: hiredis.Reader, meter: Meter) -> None:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        parser.feed(redis.recv(65536))
        while (reply := parser.gets()) is not False:
            if isinstance(reply, list) and reply[0] == b"message":
                meter.messages += len(DECODER.decode(reply[2]).envelopes)


PEER = "PubSub"
READERS = {PEER: _read_by_pubsub, "Lousa": _read_by_broker, "bare socket": _read_bare}


# Messages a second, and how many of them are published together. One at a time, a tenth of them.
LOADS = [(20_000, 100), (20_000, 20), (20_000, 4), (2_000, 1)]


def measure(rounds: int, seconds: float) -> None:
    """Measure all readers in turn under each load and save the figures."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="lousa-") as folder, _redis(Path(folder)) as path:
        for number in range(rounds):
            for rate, together in LOADS:
                with _publisher(path, rate, together):
                    for name in READERS:
                        figure = Figure(name, together, *asyncio.run(READERS[name](path, Meter(seconds))))
                        say(f"{number + 1}/{rounds} {together} together, {name}: {figure.cost:.2f} µs")
                        figures.append(figure)
    keep("reader", figures, report(figures))


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    path = folder / "redis.sock"
    server = RedisServer(folder, "--unixsocket", str(path))
    try:
        server.start()
        yield str(path)
    finally:
        server.kill()


@contextmanager
def _publisher(path: str, rate: float, together: int) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.publisher", path, str(rate), str(together)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as publisher:
        try:
            assert publisher.stdout is not None
            publisher.stdout.readline()
            yield
        finally:
            publisher.kill()


def report(figures: list[Figure]) -> str:
    """Make a Markdown table of the cheapest round of each, with the range of all rounds."""
    by_row: dict[tuple[int, str], list[Figure]] = {}
    for figure in figures:
        by_row.setdefault((figure.together, figure.reader), []).append(figure)
    columns = [
        *("come together", "reader", "messages/s", "CPU µs a message", "over the rounds", "of a core", "beside PubSub"),
    ]
    rows = [
        [together, name, *_cells(own), f"{_cheapest(own).cost / _cheapest(by_row[together, PEER]).cost:.2f}"]
        for (together, name), own in by_row.items()
    ]
    return table(columns, rows) + "\n"


def _cheapest(figures: list[Figure]) -> Figure:
    return min(figures, key=lambda figure: figure.cost)


def _cells(figures: list[Figure]) -> list[str]:
    best = _cheapest(figures)
    costs = [figure.cost for figure in figures]
    return [
        f"{best.messages / best.seconds:,.0f}",
        f"{best.cost:.1f}",
        f"{min(costs):.1f} to {max(costs):.1f}",
        f"{best.cpu / best.seconds:.0%}",
    ]
