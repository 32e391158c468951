"""Plays one schedule: clients join on a calm network, send on a bad one, and are judged when it is calm again."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from tests.faults.cluster.pupil import Manners, Pupil
from tests.faults.cluster.site import Site
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.verdict import Verdict, acknowledged_in, count, judge
from tests.faults.diary import Diary
from tests.faults.network.fault import FAULTS, KILLED_WORKERS
from tests.faults.network.page import Page
from tests.faults.network.proxy import Proxy
from tests.faults.network.stock import STOCK_KINDS, Seen, StockClient, StockKind
from tests.faults.waiting import Member, Waiting, caught_up, first_position, last_positions
from tests.phoenix import Patience

# After these times a phase counts as stuck, even on a busy machine.
COME_SECONDS = 60.0
SETTLE_SECONDS = 90.0

# Stock clients reconnect within 10 s, and retry a push after another 10 s.
STOCK_SECONDS = 30.0

# How often a computer changes to another network.
MOVE_SECONDS = 8.0

# Between the kills of two workers; a worker restarts within one or two seconds.
KILL_SECONDS = (2.5, 5.0)

# As in the cluster's schedules, but without a pause between two polls.
PATIENCE = Patience(open=5.0, reply=6.0, heartbeat=(3.0, 5.0))

PAGE, POLLING_PAGE, POLL, WEBSOCKET = KINDS = ("page", "page, no WebSocket", "poll", "WebSocket")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many clients of each kind there are, and the mean seconds between two messages of one."""

    pages: int = 6  # every other one without WebSockets
    polls: int = 6
    websockets: int = 6
    stock: int = 2  # of each kind
    pause_seconds: float = 1.0

    @property
    def logins(self) -> int:
        """The number of pupils needed: one more watches and sends the last message."""
        return self.pages + self.polls + self.websockets + len(STOCK_KINDS) * self.stock + 1


@dataclass(slots=True)
class Outcome:
    """The result of a schedule; `kinds` has the counts by kind of client, `answers` their longest wait for a reply."""

    seed: int
    fault: str
    verdict: Verdict
    kinds: dict[str, Verdict] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    stock: dict[StockKind, Seen] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    carried: Counter[str] = field(default_factory=Counter)
    settled_seconds: float = 0.0


class Judged(Member, Protocol):
    """A client that follows the contract."""

    name: str
    here: asyncio.Event
    complaints: list[str]

    async def run(self) -> None:
        """Stay connected until cancelled."""

    async def speak(self, until: float) -> None:
        """Send messages until a time; return when all are acknowledged."""

    async def read_holes(self) -> None:
        """Read from the history the events that joins lacked."""


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
        """Play the schedule and judge it."""
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
                await asyncio.sleep(0.1)  # time for the transports to close
            self._waiting.stuck += [f"a client failed: {error!r}" for error in ended if isinstance(error, Exception)]
            return self._outcome(proxy.done)

    # Who is there

    def _invite(self, port: int) -> None:
        crowd, lousa, timelines = self._crowd, self._site.lousa, self._timelines
        self._pages = [self._page(port, (PAGE, POLLING_PAGE)[number % 2]) for number in range(crowd.pages)]
        self._members = {
            PAGE: self._pages[0::2],
            POLLING_PAGE: self._pages[1::2],
            POLL: [self._pupil(lousa.poll_url, timelines[POLL], port) for _ in range(crowd.polls)],
            WEBSOCKET: [self._pupil(lousa.socket_url, timelines[WEBSOCKET], port) for _ in range(crowd.websockets)],
        }
        self._stock = [self._stock_client(port, kind) for kind in STOCK_KINDS for _ in range(crowd.stock)]

    def _pupil(self, address: Callable[[str, str], str], timeline: Timeline, port: int) -> Pupil:
        login = next(self._logins)
        url = address("students", self._site.tokens[login])
        manners = Manners(hang_up=0.02, leave_for_long=0.0, pause_seconds=self._crowd.pause_seconds)
        through = url.replace(f":{self._site.lousa.port}/", f":{port}/")
        return Pupil(login, through, [timeline], self._seed, manners, PATIENCE)

    def _page(self, port: int, kind: str) -> Page:
        login = next(self._logins)
        who = login, f"http://127.0.0.1:{port}", self._site.tokens[login]
        how = self._timelines[kind], self._seed, self._crowd.pause_seconds
        return Page(*who, *how, websockets=kind == PAGE)

    def _stock_client(self, port: int, kind: StockKind) -> StockClient:
        login, topic = next(self._logins), min(self._witness.diaries)
        url, token = f"ws://127.0.0.1:{port}", self._site.tokens[login]
        return StockClient(login, url, token, topic, kind, self._seed, self._crowd.pause_seconds)

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
        troubles = [asyncio.create_task(self._move())]
        if self._fault == KILLED_WORKERS:
            troubles.append(asyncio.create_task(self._kill_workers(proxy.done)))
        speaking = [asyncio.create_task(each.speak(until)) for each in self._everybody]
        await asyncio.sleep(self._seconds)
        for trouble in troubles:
            trouble.cancel()
        proxy.turn(None)
        for page in self._pages:
            page.change_network()
        await self._settle(speaking)

    async def _move(self) -> None:
        chance = random.Random(self._seed)
        while self._pages:
            await asyncio.sleep(chance.expovariate(len(self._pages) / MOVE_SECONDS))
            chance.choice(self._pages).change_network()

    async def _kill_workers(self, done: Counter[str]) -> None:
        chance = random.Random(self._seed)
        while True:
            await asyncio.sleep(chance.uniform(*KILL_SECONDS))
            self._site.signal_worker(chance.randrange(1_000), signal.SIGKILL)
            done["workers killed"] += 1

    async def _settle(self, speaking: Sequence["asyncio.Task[None]"]) -> None:
        began = _now()
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *speaking)
        await Waiting().within(STOCK_SECONDS, "not judged", *(each.is_answered() for each in self._stock))
        last_words = [self._witness.say_last(topic) for topic in self._witness.diaries]
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *last_words)
        self._lasts = last_positions([*self._judged, self._witness])
        everybody = [*self._judged, self._witness]
        catching_up = [caught_up(each, self._lasts) for each in everybody]
        await self._within(SETTLE_SECONDS, "not everybody has everything", *catching_up)
        await self._within(SETTLE_SECONDS, "history was not read", *(each.read_holes() for each in everybody))
        self._settled_seconds = _now() - began
        coming_back = [each.catches_up(self._lasts[each.topic]) for each in self._stock]
        await Waiting().within(STOCK_SECONDS, "not judged", *coming_back)

    def _hang_up(self) -> None:
        for each in (*self._judged, self._witness):
            if isinstance(each, Pupil):
                each.close()

    # The verdict

    def _outcome(self, done: Counter[str]) -> Outcome:
        everybody = [*self._judged, self._witness]
        topics = {topic: [each.diaries[topic] for each in everybody] for topic in self._lasts}
        firsts = {topic: min(map(first_position, diaries)) for topic, diaries in topics.items()}
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

    def _what_stock_clients_saw(self) -> dict[StockKind, Seen]:
        seen = {kind: Seen() for kind in STOCK_KINDS}
        for client in self._stock:
            seen[client.kind].add(client.seen(self._lasts.get(client.topic, 0)))
        return seen


def _now() -> float:
    return asyncio.get_running_loop().time()
