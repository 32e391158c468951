"""Plays one lesson on a site: everybody acts, workers and the server are killed, and the journal is the judge."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import psutil

from channels.lesson.rules import Role
from server.asyncapi import TABLES
from tests.carrier import Gone
from tests.faults.cluster.site import Site
from tests.faults.lesson.actor import Actor, durable_events
from tests.faults.lesson.judge import Kept
from tests.faults.waiting import Waiting
from tests.phoenix import Connection, ErrorReply, Payload
from tests.roster import PRINCIPAL, TEACHER

# Until everybody has come, and until everybody has everything: more is a failure, also on a busy machine.
SETTLE_SECONDS = 90.0
# Until a connection to each worker has come about: the kernel chooses which.
EACH_WORKER_SECONDS = 60.0
# Two in three come over WebSockets.
POLLING = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a lesson."""

    seed: int
    faults: list[str]
    stored: Counter[str]
    answered: int
    refused: Counter[str]
    returned: int
    kills: int
    missing: frozenset[str]  # durable kinds of event that nothing led to

    def __str__(self) -> str:
        """Describe it in a few lines."""
        lines = [
            f"seed {self.seed}: {sum(self.stored.values())} events of {len(self.stored)} kinds, {self.answered} pushes "
            f"answered, {sum(self.refused.values())} refused, {self.kills} kills, {self.returned} returns; "
            f"did not happen: {', '.join(sorted(self.missing)) or 'none'}",
            *(f"  {fault}" for fault in self.faults[:20]),
        ]
        return "\n".join(lines)


class Drill:
    """One lesson."""

    def __init__(self, site: Site, tokens: Mapping[str, str], seed: int, seconds: float, kill_server: bool) -> None:
        self._site = site
        self._tokens = tokens
        self._seed = seed
        self._seconds = seconds
        self._kill_server = kill_server
        self._choose = random.Random(seed)
        self._waiting = Waiting()
        self._kills = 0
        self.actors = [self._actor(*each) for each in enumerate(tokens.items())]

    def _actor(self, number: int, who: tuple[str, str]) -> Actor:
        login, token = who
        role = role_of(login)
        address = self._site.lousa.poll_url if number % POLLING == 0 else self._site.lousa.socket_url
        return Actor(login, role, address(role.path, token), self._seed)

    async def play(self) -> Outcome:
        """Play and judge."""
        try:
            return await self._play()
        finally:
            await asyncio.gather(*(actor.leave() for actor in self.actors))

    async def _play(self) -> Outcome:
        await self._within("not everybody came", *(actor.here() for actor in self.actors))
        users = [actor.user["id"] for actor in self.actors if not actor.role.is_staff]
        until = asyncio.get_running_loop().time() + self._seconds
        acting = [asyncio.create_task(actor.act(until, users)) for actor in self.actors]
        await self._kill(until)
        await self._within("not every push was answered", *acting)
        await asyncio.sleep(2)  # the last timers
        kept = await Kept.read(self._site.urls)
        for actor in self.actors:
            ends = {topic: rows[-1].seq for topic in actor.replicas if (rows := kept.rows(actor, topic))}
            await self._within(f"{actor.login} has not everything", actor.follow_to(ends))
        kept = await Kept.read(self._site.urls)
        told = [each async for each in self._told_by_workers(kept)]
        return self._outcome(kept, told)

    async def _within(self, complaint: str, *work: object) -> None:
        await self._waiting.within(SETTLE_SECONDS, complaint, *work)  # type: ignore[arg-type]

    async def _kill(self, until: float) -> None:
        """Kill a worker every few seconds, and once the server with all its workers."""
        middle = (until + asyncio.get_running_loop().time()) / 2
        while (now := asyncio.get_running_loop().time()) < until - 1:
            await asyncio.sleep(self._choose.uniform(0.8, 2.0))
            self._kills += 1
            if self._kill_server and now > middle:
                self._kill_server = False
                await asyncio.to_thread(self._restart)
            elif self._site.workers:
                self._site.signal_worker(self._choose.randrange(100), signal.SIGKILL)

    def _restart(self) -> None:
        workers = [psutil.Process(pid) for pid in self._site.workers]
        self._site.lousa.kill()
        psutil.wait_procs(workers, timeout=20)
        self._site.lousa.start()

    # What workers tell

    async def _told_by_workers(self, kept: Kept) -> AsyncIterator[str]:
        one_of_each = {actor.role.name: actor for actor in self.actors}
        for actor in one_of_each.values():
            lines = await self._lines_to_all_workers(actor)
            for pid, line in lines.items():
                for topic in actor.replicas:
                    # A position past the end: the worker reads the journal before it replies.
                    told = await line.join(topic, {"since": 2**40})
                    now = time.time_ns() // 1_000_000
                    for fault in kept.untold(actor, topic, told["state"], now):
                        yield f"worker {pid}: {fault}"
                line.close()
                await line.closed.wait()

    async def _lines_to_all_workers(self, actor: Actor) -> dict[int, Connection]:
        url = self._site.lousa.socket_url(actor.role.path, self._tokens[actor.login])
        lines: dict[int, Connection] = {}
        async with asyncio.timeout(EACH_WORKER_SECONDS):
            while lines.keys() != set(self._site.workers):
                try:
                    line = await Connection.open(url, _ignore)
                except (Gone, ErrorReply):
                    await asyncio.sleep(0.05)
                    continue
                pid = self._worker_of(line.local_port)
                if pid is None or pid in lines:
                    line.close()
                    await line.closed.wait()
                else:
                    lines[pid] = line
        return lines

    def _worker_of(self, port: int) -> int | None:
        for pid in self._site.workers:
            connections = psutil.Process(pid).net_connections("tcp")
            if any(each.raddr and each.raddr.port == port for each in connections):
                return pid
        return None

    def _outcome(self, kept: Kept, told: Sequence[str]) -> Outcome:
        actors = self.actors
        stuck = [f"{actor.login} does {actor.doing}" for actor in actors if actor.doing]
        faults = [*self._waiting.stuck, *stuck, *(each for actor in actors for each in actor.complaints), *told]
        faults += [*kept.lost(actors), *kept.doubled(), *kept.unlike(actors), *kept.forbidden()]
        stored = Counter(row.event for rows in kept.topics.values() for row in rows)
        return Outcome(
            self._seed,
            faults,
            stored,
            sum(len(actor.answered) for actor in actors),
            sum((actor.refused for actor in actors), Counter[str]()),
            sum(actor.returned for actor in actors),
            self._kills,
            frozenset(durable_events()) - frozenset(stored),
        )


def role_of(login: str) -> Role:
    """Return the role of a user of the roster."""
    name = {TEACHER: "teacher", PRINCIPAL: "principal"}.get(login, "student")
    return next(role for role in TABLES.roles if role.name == name)


def _ignore(topic: str, event: str, payload: Payload) -> None:
    pass
