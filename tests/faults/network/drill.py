"""Plays one schedule: everybody comes in calm weather, writes in bad weather, and is judged when it is calm again."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from tests.faults.cluster.pupil import Manners, Pupil
from tests.faults.cluster.site import Site
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.verdict import Verdict, acknowledged_in, count, judge
from tests.faults.diary import Diary, Joined
from tests.faults.network.fault import FAULTS
from tests.faults.network.page import Page
from tests.faults.network.proxy import Proxy
from tests.faults.network.stock import Seen, StockClient
from tests.faults.waiting import Member, Waiting, caught_up, last_positions
from tests.phoenix import Patience

# What each phase may take on a busy machine before it counts as stuck.
COME_SECONDS = 60.0
SETTLE_SECONDS = 90.0

# A computer is taken to another network now and then.
MOVE_SECONDS = 8.0

# As in the cluster's schedules, but a poll follows the other at once.
PATIENCE = Patience(open=5.0, reply=6.0, heartbeat=(3.0, 5.0))

KINDS = ("page", "poll", "WebSocket")
STOCK = ("longpoll", "websocket")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many clients of each kind there are, and the mean of the seconds between two messages of one."""

    pages: int = 6
    polls: int = 6
    websockets: int = 6
    stock: int = 2  # of either transport
    pause_seconds: float = 1.0

    @property
    def logins(self) -> int:
        """How many pupils that takes: one more looks on, and says the last word."""
        return self.pages + self.polls + self.websockets + 2 * self.stock + 1


@dataclass(slots=True)
class Outcome:
    """What came of a schedule; `kinds` has the counts of each kind of client, `answers` their longest wait for one."""

    seed: int
    fault: str
    verdict: Verdict
    kinds: dict[str, Verdict] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    stock: dict[str, Seen] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    carried: Counter[str] = field(default_factory=Counter)
    settled_seconds: float = 0.0


class Judged(Member, Protocol):
    """A client that follows the contract."""

    name: str
    here: asyncio.Event
    complaints: list[str]

    async def run(self) -> None:
        """Stay connected, until cancelled."""

    async def speak(self, until: float) -> None:
        """Write until a time; return when all is acknowledged."""

    async def read_holes(self) -> None:
        """Read what joins have said to be missing."""


class Drill:
    """One schedule."""

    def __init__(self, site: Site, seed: int, seconds: float, fault: str, crowd: Crowd) -> None:
        self._site = site
        self._seed = seed
        self._seconds = seconds
        self._fault = fault
        self._crowd = crowd
        self._waiting = Waiting()
        self._within = self._waiting.within
        self._timelines = {kind: Timeline() for kind in KINDS}
        self._logins = iter(site.tokens)
        self._witness = self._pupil(site.lousa.socket_url, Timeline(), site.lousa.port)
        self._members: dict[str, Sequence[Judged]] = {}
        self._pages: list[Page] = []
        self._stock: list[StockClient] = []
        self._settled_seconds = 0.0
        self._lasts: dict[str, int] = {}

    async def play(self) -> Outcome:
        """Play it through."""
        async with Proxy(self._site.lousa.port, self._seed) as proxy:
            running = [asyncio.create_task(self._witness.run())]
            try:
                if await self._within(COME_SECONDS, "nobody came", self._witness.here.wait()):
                    self._invite(proxy.port)
                    running += [asyncio.create_task(each.run()) for each in self._everybody]
                    await self._play(proxy)
            finally:
                for task in running:
                    task.cancel()
                ended = await asyncio.gather(*running, return_exceptions=True)
                self._hang_up()
                await asyncio.sleep(0.1)  # the transports let go
            self._waiting.stuck += [f"a client failed: {error!r}" for error in ended if isinstance(error, Exception)]
            return self._outcome(proxy.done)

    # Who is there

    def _invite(self, port: int) -> None:
        crowd, lousa, timelines = self._crowd, self._site.lousa, self._timelines
        self._pages = [self._page(port) for _ in range(crowd.pages)]
        self._members = {
            "page": self._pages,
            "poll": [self._pupil(lousa.poll_url, timelines["poll"], port) for _ in range(crowd.polls)],
            "WebSocket": [self._pupil(lousa.socket_url, timelines["WebSocket"], port) for _ in range(crowd.websockets)],
        }
        self._stock = [self._stock_client(port, transport) for transport in STOCK for _ in range(crowd.stock)]

    def _pupil(self, address: Callable[[str, str], str], timeline: Timeline, port: int) -> Pupil:
        login = next(self._logins)
        url = address("students", self._site.tokens[login])
        manners = Manners(hang_up=0.02, leave_for_long=0.0, pause_seconds=self._crowd.pause_seconds)
        through = url.replace(f":{self._site.lousa.port}/", f":{port}/")
        return Pupil(login, through, [timeline], self._seed, manners, PATIENCE)

    def _page(self, port: int) -> Page:
        login = next(self._logins)
        url, token = f"http://127.0.0.1:{port}", self._site.tokens[login]
        return Page(login, url, token, self._timelines["page"], self._seed, self._crowd.pause_seconds)

    def _stock_client(self, port: int, transport: str) -> StockClient:
        login, topic = next(self._logins), min(self._witness.diaries)
        url, token = f"ws://127.0.0.1:{port}", self._site.tokens[login]
        return StockClient(login, url, token, topic, transport, self._seed, self._crowd.pause_seconds)

    @property
    def _judged(self) -> list[Judged]:
        return [*chain.from_iterable(self._members.values())]

    @property
    def _everybody(self) -> list[Judged | StockClient]:
        return [*self._judged, *self._stock]

    # What happens

    async def _play(self, proxy: Proxy) -> None:
        coming = (each.here.wait() for each in self._everybody)
        if not await self._within(COME_SECONDS, "not everybody came", *coming):
            return
        until = _now() + self._seconds
        proxy.turn(FAULTS[self._fault])
        moving = asyncio.create_task(self._move())
        speaking = [asyncio.create_task(each.speak(until)) for each in self._everybody]
        await asyncio.sleep(self._seconds)
        moving.cancel()
        proxy.turn(None)
        for page in self._pages:
            page.change_network()
        await self._settle(speaking)

    async def _move(self) -> None:
        chance = random.Random(self._seed)
        while self._pages:
            await asyncio.sleep(chance.expovariate(len(self._pages) / MOVE_SECONDS))
            chance.choice(self._pages).change_network()

    async def _settle(self, speaking: Sequence["asyncio.Task[None]"]) -> None:
        began = _now()
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *speaking)
        await Waiting().within(SETTLE_SECONDS, "not judged", *(each.is_answered() for each in self._stock))
        last_words = [self._witness.say_last(topic) for topic in self._witness.diaries]
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *last_words)
        self._lasts = last_positions([*self._judged, self._witness])
        everybody = [*self._judged, self._witness]
        catching_up = [caught_up(each, self._lasts) for each in everybody]
        await self._within(SETTLE_SECONDS, "not everybody has everything", *catching_up)
        await self._within(SETTLE_SECONDS, "history was not read", *(each.read_holes() for each in everybody))
        self._settled_seconds = _now() - began

    def _hang_up(self) -> None:
        for each in (*self._judged, self._witness):
            if isinstance(each, Pupil):
                each.close()

    # Judging

    def _outcome(self, done: Counter[str]) -> Outcome:
        everybody = [*self._judged, self._witness]
        topics = {topic: [each.diaries[topic] for each in everybody] for topic in self._lasts}
        firsts = {topic: min(map(_first, diaries)) for topic, diaries in topics.items()}
        verdict = judge(topics, firsts, self._lasts)
        verdict.breaches += self._waiting.stuck + [each for member in everybody for each in member.complaints]
        return Outcome(
            self._seed,
            self._fault,
            verdict,
            {kind: self._count(members, topics) for kind, members in self._members.items()},
            {kind: timeline.longest_answer for kind, timeline in self._timelines.items()},
            self._what_stock_clients_saw(),
            done,
            sum((page.carried for page in self._pages), Counter[str]()),
            self._settled_seconds,
        )

    def _count(self, members: Sequence[Judged], topics: dict[str, list[Diary]]) -> Verdict:
        counted = Verdict()
        for topic, diaries in topics.items():
            acknowledged = acknowledged_in(diaries)
            for member in members:
                counted.add(count(member.diaries[topic], acknowledged))
        return counted

    def _what_stock_clients_saw(self) -> dict[str, Seen]:
        seen = {transport: Seen() for transport in STOCK}
        for client in self._stock:
            seen[client.transport].add(client.seen(self._lasts.get(client.topic, 0)))
        return seen


def _first(diary: Diary) -> int:
    return next(entry.seq for entry in diary.entries if isinstance(entry, Joined))


def _now() -> float:
    return asyncio.get_running_loop().time()
