"""A stock Phoenix client in Node (`stock.mjs`). What it received is counted, not judged: it is not our client."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.network.node import Line, NodeProgram


class StockKind(NamedTuple):
    """A version of npm `phoenix`, as tests/interop has it, and the transport that it uses."""

    package: str
    transport: str

    def __str__(self) -> str:
        return f"{self.package} over {self.transport}"


# 1.8.0 names its session in the query, as all did before; later ones in a header.
STOCK_KINDS = (
    StockKind("phoenix", "websocket"),
    StockKind("phoenix", "longpoll"),
    StockKind("phoenix-1-8", "longpoll"),
)


@dataclass(slots=True)
class Seen:
    """Counts of the messages received by clients that keep only their position.

    `lost`: never received; `unless_joined`: never received live, at best in the reply to a join; `doubled`: received
    more than once.
    """

    clients: int = 0
    sent: int = 0
    acknowledged: int = 0
    lost: int = 0
    unless_joined: int = 0
    doubled: int = 0
    out_of_order: int = 0
    joins: int = 0

    def add(self, other: "Seen") -> None:
        """Add two counts."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class StockClient:
    """One client; `run` keeps it open, `speak` sends."""

    def __init__(
        self, name: str, url: str, token: str, topic: str, kind: StockKind, seed: int, pause_seconds: float
    ) -> None:
        self.name = name
        self.topic = topic
        self.kind = kind
        self.here = asyncio.Event()
        self._random = random.Random(f"{seed} {name}")
        self._pause_seconds = pause_seconds
        server = {"LOUSA_URL": url, "TOKEN": token, "CLASS": topic}
        client = {"PREFIX": f"{name}-{seed}", "PACKAGE": kind.package, "TRANSPORT": kind.transport}
        self._program = NodeProgram("stock.mjs", server | client, self._take)
        self._first = 0
        self._order: list[int] = []  # of all messages received, in order of arrival
        self._live: set[int] = set()
        self._joins = 0
        self._sent = 0
        self._acknowledged: set[str] = set()

    async def run(self) -> None:
        """Keep it open until cancelled."""
        await self._program.run()

    def _take(self, line: Line) -> None:
        match line["is"]:
            case "joined":
                self._join(line["since"], line["seq"], line["seqs"])
            case "received":
                self._order.append(line["seq"])
                self._live.add(line["seq"])
            case "sent":
                self._sent += 1
            case "acknowledged":
                self._acknowledged.add(line["id"])

    def _join(self, since: int | None, seq: int, seqs: list[int]) -> None:
        self._joins += 1
        if since is None and not self.here.is_set():
            self._first = seq
            self.here.set()
        else:
            self._order += seqs

    async def speak(self, until: float) -> None:
        """Send messages until a time."""
        while (pause := self._random.expovariate(1 / self._pause_seconds)) + _now() < until:
            await asyncio.sleep(pause)
            self._program.tell(do="send", text=f"{self.name} fala")

    async def is_answered(self) -> None:
        """Wait until all its messages are acknowledged."""
        while len(self._acknowledged) < self._sent:
            await asyncio.sleep(0.05)

    async def catches_up(self, last: int) -> None:
        """Wait until it has received the last message; it may have missed earlier ones."""
        while last not in self._order:
            await asyncio.sleep(0.05)

    def seen(self, last: int) -> Seen:
        """Count what it received of a class at this position."""
        expected = set(range(self._first + 1, last + 1))
        times = Counter(self._order)
        highest = 0
        out_of_order = 0
        for seq in dict.fromkeys(self._order):
            out_of_order += seq < highest
            highest = max(highest, seq)
        return Seen(
            1,
            self._sent,
            len(self._acknowledged),
            len(expected - times.keys()),
            len(expected - self._live),
            sum(count - 1 for count in times.values()),
            out_of_order,
            self._joins,
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
