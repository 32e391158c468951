r"""Several workers on one address, under a supervisor that serves nobody itself.

    supervisor -- fork --> worker 1, worker 2, …: each a whole server of its own (`application.serve_as_worker`)
        \-- fork, exec --> a private Redis, where none is given (`private_redis`)

The sockets are the supervisor's: one for each worker, among which the kernel deals out new connections (SO_REUSEPORT),
handed down by the fork. So none is refused when a worker ends: what waits there is accepted by the next one on that
socket. A worker that dies is started again, later each time, and too often is the end of all. SIGTERM drains every
worker, SIGHUP replaces one after another. Workers and Redis end with the supervisor, however it ends (`process`).
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import socket
from typing import Any

from server.application import prepare, serve_as_worker
from server.process.child import ChildProcess
from server.process.listener import address, close, listen
from server.process.private_redis import private_redis
from server.settings import Settings, SettingsError

log = logging.getLogger(__name__)

# Seconds before a worker that died young is started again, the first, second … time in a row; then it is given up.
RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
# A worker that has lived so long did not die of how it was started.
LONG_LIFE_SECONDS = 10.0

# How long a successor may take until it serves, before the replacement is given up.
START_SECONDS = 30.0
# What a worker that drains may take beyond `drain_seconds`: last requests, close frames, the databases.
STOP_SECONDS = 10.0


class WorkersFailed(Exception):
    """Workers die as soon as they are started; the message says which, and how."""


class Worker(ChildProcess):
    """One worker, which tells by a pipe that it serves."""

    def __init__(self, name: str, work: Callable[[Callable[[], None]], None]) -> None:
        self._opened = asyncio.Event()
        self._pipe, theirs = os.pipe()
        super().__init__(name, lambda: work(lambda: _write(theirs)))
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._pipe, self._hear)

    def _hear(self) -> None:
        if os.read(self._pipe, 1):
            self._opened.set()
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)

    async def opens(self, seconds: float) -> bool:
        """Wait until it serves; tell whether it came to that."""
        opening = asyncio.create_task(self._opened.wait())
        either: list[asyncio.Future[Any]] = [opening, self.ended]
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        return self._opened.is_set() and not self.ended.done()


def _write(pipe: int) -> None:
    os.write(pipe, b".")
    os.close(pipe)


@dataclass(slots=True, eq=False)
class Slot:
    """A worker's place: who serves on its sockets now, and how often in a row that one's forerunners died young."""

    number: int
    worker: Worker
    deaths: int = 0
    # Held by whoever starts another worker here: in the place of one that died, or to replace one.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def supervise(settings: Settings, on_open: Callable[[str], None], on_fork: Callable[[str], None]) -> bool:
    """Run `settings.workers` workers until SIGTERM or SIGINT; a second one ends all of them at once.

    `on_open` is told the address once all workers serve; `on_fork` is called in each, first, with its name. Tell
    whether all ended in good order. Raise WorkersFailed where they do not live, DatabaseError or SettingsError where
    none can be started.
    """
    if not hasattr(os, "pidfd_open"):
        raise SettingsError("Several workers need Linux 5.3 or later: leave --workers out, and one serves.")
    sockets = listen(settings, settings.workers)
    try:
        asyncio.run(prepare(settings))  # in a loop of its own: its threads are gone before the first fork
        return asyncio.run(_supervise(settings, sockets, on_open, on_fork))
    finally:
        for each in sockets:
            close(each)


async def _supervise(
    settings: Settings, sockets: list[list[socket]], on_open: Callable[[str], None], on_fork: Callable[[str], None]
) -> bool:
    async with _joined(settings) as settings:
        return await Supervisor(settings, sockets, on_open, on_fork).run()


@asynccontextmanager
async def _joined(settings: Settings) -> AsyncIterator[Settings]:
    if settings.redis_url is not None:
        yield settings
        return
    async with private_redis(settings.data_dir) as url:
        yield replace(settings, redis_url=url)


class Supervisor:
    """Keeps a worker on each of the lists of sockets."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[list[socket]],
        on_open: Callable[[str], None],
        on_fork: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._on_open = on_open
        self._on_fork = on_fork
        self._living: set[Worker] = set()
        self._stop_asked = asyncio.Event()
        self._replace_asked = asyncio.Event()

    async def run(self) -> bool:
        """Serve until told to stop; tell whether all ended in good order. Raise WorkersFailed."""
        self._hear_signals()
        slots = [Slot(number, self._fork(number)) for number in range(len(self._sockets))]
        stopped = asyncio.create_task(self._stop_asked.wait())
        keeping = [asyncio.create_task(self._keep(slot)) for slot in slots]
        others = [asyncio.create_task(work) for work in (self._tell_open(slots), self._replace_when_asked(slots))]
        tasks: list[asyncio.Task[Any]] = [stopped, *keeping, *others]
        try:
            await asyncio.wait([stopped, *keeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            well = await self._stop_all()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return well

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._replace_asked.set)
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._hear_stop)

    def _hear_stop(self) -> None:
        self._stop_asked.set()
        # The next one has its usual effect: it ends this process, and with it all others.
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)

    async def _tell_open(self, slots: list[Slot]) -> None:
        for slot in slots:
            # Not at once: it died, or waits for a database.
            while not await slot.worker.opens(START_SECONDS):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        self._on_open(address(self._settings.host, self._sockets[0]))

    # Starting

    def _fork(self, number: int) -> Worker:
        worker = Worker(f"worker {number + 1}", lambda on_open: self._work(number, on_open))
        self._living.add(worker)
        worker.ended.add_done_callback(lambda _: self._living.discard(worker))
        log.info("%s is started (process %d)", worker.name, worker.pid)
        return worker

    def _work(self, number: int, on_open: Callable[[], None]) -> None:
        # In the child. A socket of another worker's that stays open here would outlive that one's.
        for sockets in (*self._sockets[:number], *self._sockets[number + 1 :]):
            close(sockets)
        self._on_fork(f"worker {number + 1}")
        asyncio.run(serve_as_worker(self._settings, self._sockets[number], on_open))

    async def _keep(self, slot: Slot) -> None:
        while True:
            worker = slot.worker
            await worker.wait()
            async with slot.turn:
                if slot.worker is worker:  # and was not replaced
                    await self._mourn(slot)
                    slot.worker = self._fork(slot.number)

    async def _mourn(self, slot: Slot) -> None:
        """Wait as long as is right before another one is started; raise WorkersFailed where that is of no use."""
        dead = slot.worker
        slot.deaths = slot.deaths + 1 if dead.age_seconds < LONG_LIFE_SECONDS else 1
        if slot.deaths > len(RESTART_SECONDS):
            raise WorkersFailed(
                f"Lousa stops: {dead.name} {dead.ending}, soon after it was started, as {slot.deaths - 1} in a row did "
                "before it. The log says more."
            )
        seconds = RESTART_SECONDS[slot.deaths - 1]
        log.warning("%s (process %d) %s; another is started in %g s", dead.name, dead.pid, dead.ending, seconds)
        await asyncio.sleep(seconds)

    # Replacing and stopping

    async def _replace_when_asked(self, slots: list[Slot]) -> None:
        while True:
            await self._replace_asked.wait()
            self._replace_asked.clear()
            for slot in slots:
                if not await self._replace(slot):
                    break
            else:
                log.info("all workers have been replaced")

    async def _replace(self, slot: Slot) -> bool:
        async with slot.turn:
            old, new = slot.worker, self._fork(slot.number)
            if not await new.opens(START_SECONDS):
                log.error("the new %s does not serve; the old one stays, and the others too", new.name)
                await new.stop(0)
                return False
            slot.worker = new
        await self._stop(old)
        return True

    async def _stop(self, worker: Worker) -> bool:
        if await worker.stop(self._settings.drain_seconds + STOP_SECONDS):
            log.info("%s (process %d) has ended", worker.name, worker.pid)
            return True
        log.error("%s (process %d) did not end in good order: it %s", worker.name, worker.pid, worker.ending)
        return False

    async def _stop_all(self) -> bool:
        # Whoever comes now is refused at once, and not left waiting for a worker that will not be.
        for sockets in self._sockets:
            close(sockets)
        return all(await asyncio.gather(*map(self._stop, list(self._living))))
