r"""Several workers on one address, under a supervisor that serves no requests itself.

    supervisor -- fork --> worker 1, worker 2, …: each a complete server (`application.serve_as_worker`)
        \-- fork, exec --> a private Redis, if no URL is given (`private_redis`)

The supervisor opens the listening sockets, one for each worker, and the workers inherit them; the kernel distributes
new connections among them (SO_REUSEPORT). No connection is refused when a worker ends: connections that wait in its
socket are accepted by its successor. A worker that dies is replaced, after a delay that grows, and the server stops
after too many early deaths. A worker that stands still gets no new
connections (stand_in.py), and is killed and so replaced where it lasts (heartbeat.py). SIGTERM drains every
worker; SIGHUP replaces them one after another. Workers and Redis end when the supervisor ends (child.py).
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from socket import socket, socketpair
from typing import Any

from server.application import check, prepare, serve_as_worker
from server.databases.data_files import NO_FILES, DataFiles
from server.process.child import ChildProcess, state_of
from server.process.hang_up import on_hang_up
from server.process.heartbeat import BEAT_SECONDS, OPEN, SILENT_SECONDS, RunningClock
from server.process.listener import address, close, listen
from server.process.private_redis import private_redis
from server.process.service_manager import ALIVE, STOPPING, notify
from server.process.sole_server import sole_server
from server.process.stand_in import STILL_SECONDS, TAKEN, Hand, StandIn
from server.settings import Settings, SettingsError
from server.tasks import run_server
from server.views.static import bundled

log = logging.getLogger(__name__)

# Delay before the replacement after the first, second … early death in a row; then the server stops.
RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
# A worker that has lived this long did not die of its start: its death counts as the first again.
LONG_LIFE_SECONDS = 10.0

# How long a successor may take until it serves, before the replacement is given up.
START_SECONDS = 30.0
# Time to stop beyond `drain_seconds`: last requests, close frames, databases that do not answer.
STOP_SECONDS = 10.0


class WorkersFailed(Exception):
    """Workers die soon after their start; the message says which worker, and how it died."""


class Worker(ChildProcess):
    """One worker, which reports through a pipe that it serves and that its event loop runs (heartbeat.py)."""

    def __init__(self, name: str, work: Callable[[int], None], clock: RunningClock) -> None:
        self._opened = asyncio.Event()
        self._clock = clock
        self._last_beat = clock.now
        self._pipe, theirs = socketpair()
        for each in (self._pipe, theirs):
            each.setblocking(False)
        self._hand = Hand(self._pipe)
        super().__init__(name, lambda: work(theirs.fileno()))
        theirs.close()
        asyncio.get_running_loop().add_reader(self._pipe, self._receive)

    def _receive(self) -> None:
        try:
            received = self._pipe.recv(4096)
        except ConnectionError:  # it has ended, and has not taken all connections
            received = b""
        self._last_beat = self._clock.now
        if OPEN in received:
            self._opened.set()
        self._hand.taken(received.count(TAKEN))
        if not received:
            asyncio.get_running_loop().remove_reader(self._pipe)
            self._pipe.close()

    def take(self, connection: socket) -> bool:
        """Hand a connection to it; return False where it cannot take one now."""
        return self._opened.is_set() and not self.stands_still and self._hand.give(connection)

    def untaken(self) -> list[socket]:
        """Return the connections that it was given and did not take, once it has ended."""
        if self._pipe.fileno() >= 0:  # its last words are not read yet
            self._receive()
        return self._hand.untaken()

    @property
    def stands_still(self) -> bool:
        """Tell whether it has not reported for some time, so that others should get its new connections."""
        return self.silent_seconds >= STILL_SECONDS

    @property
    def silent_seconds(self) -> float:
        """Seconds since its event loop last reported, counting only time in which this process ran."""
        return self._clock.now - self._last_beat

    async def opens(self, seconds: float) -> bool:
        """Wait until it serves; return whether it does."""
        opening = asyncio.create_task(self._opened.wait())
        either: list[asyncio.Future[Any]] = [opening, self.ended]
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        return self._opened.is_set() and not self.ended.done()


@dataclass(slots=True, eq=False)
class Slot:
    """One list of sockets and the worker that serves on it; `early_deaths` counts early deaths in a row."""

    number: int
    worker: Worker
    early_deaths: int = 0
    # Held while another worker is started here, after a death or as a replacement.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def supervise(
    settings: Settings,
    on_open: Callable[[str], None],
    on_fork: Callable[[str], None],
    on_setup_code: Callable[[str], None],
) -> bool:
    """Run `settings.workers` workers until SIGTERM or SIGINT; a second signal ends all of them at once.

    Call `on_open` with the address when all workers serve, and `on_fork` with the worker's name first in each worker;
    `on_setup_code` as `serve` does.
    Return whether all workers stopped cleanly. Raise WorkersFailed when workers keep dying, and DatabaseError or
    SettingsError when none can be started.
    """
    if not hasattr(os, "pidfd_open"):
        raise SettingsError("Several workers need Linux 5.3 or later: leave --workers out, and one serves.")
    check(settings)
    sockets = listen(settings, settings.workers)
    try:
        # In a separate loop, so that its threads have ended before the first fork.
        files = asyncio.run(_prepare_alone(settings, on_setup_code))
        if not settings.unbundled:
            bundled()  # the workers share it; each on its own would keep its event loop waiting at its start
        return asyncio.run(_supervise(settings, sockets, files, on_open, on_fork))
    finally:
        for each in sockets:
            close(each)


async def _prepare_alone(settings: Settings, on_setup_code: Callable[[str], None]) -> DataFiles:
    async with sole_server(settings):
        return await prepare(settings, on_setup_code)


async def _supervise(
    settings: Settings,
    sockets: list[list[socket]],
    files: DataFiles,
    on_open: Callable[[str], None],
    on_fork: Callable[[str], None],
) -> bool:
    # By the settings as they were given: a private Redis joins no other server.
    async with sole_server(settings), _joined(settings) as settings:
        return await Supervisor(settings, sockets, on_open, on_fork, files=files).run()


@asynccontextmanager
async def _joined(settings: Settings) -> AsyncIterator[Settings]:
    if settings.redis_urls:
        yield settings
        return
    async with private_redis(settings.data_dir) as url:
        yield replace(settings, redis_urls=(url,))


class Supervisor:
    """Keeps one worker running on each list of sockets."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[list[socket]],
        on_open: Callable[[str], None],
        on_fork: Callable[[str], None],
        *,
        files: DataFiles = NO_FILES,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._files = files
        self._given = 0
        self._orphans: list[socket] = []  # connections that a worker was given and did not take before its end
        self._silent_seconds = silent_seconds
        self._clock = RunningClock(2 * BEAT_SECONDS)
        self._settings = settings
        self._sockets = sockets
        self._on_open = on_open
        self._on_fork = on_fork
        self._living: set[Worker] = set()
        self._stop_asked = asyncio.Event()
        self._replace_asked = asyncio.Event()

    async def run(self) -> bool:
        """Run until told to stop; return whether all workers stopped cleanly. Raise WorkersFailed."""
        self._handle_signals()
        slots = [Slot(number, self._fork(number)) for number in range(len(self._sockets))]
        stopped = asyncio.create_task(self._stop_asked.wait())
        keeping = [asyncio.create_task(self._keep(slot)) for slot in slots]
        work = (self._report_open(slots), self._replace_when_asked(slots), self._watch(slots))
        others = [asyncio.create_task(each) for each in work]
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

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        on_hang_up(self._replace_asked.set, self._stop_asked.set)
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._handle_stop)

    def _handle_stop(self) -> None:
        self._stop_asked.set()
        notify(STOPPING)
        # The next signal has its default effect: it ends this process, and with it all others.
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)

    async def _report_open(self, slots: list[Slot]) -> None:
        for slot in slots:
            # It died, or it waits for a database.
            while not await slot.worker.opens(START_SECONDS):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        self._on_open(address(self._settings.host, self._sockets[0]))

    # Starting

    def _fork(self, number: int) -> Worker:
        worker = Worker(f"worker {number + 1}", lambda pipe: self._work(number, pipe), self._clock)
        self._living.add(worker)
        worker.ended.add_done_callback(lambda _: self._forget(worker))
        log.info("%s is started (process %d)", worker.name, worker.pid)
        return worker

    def _forget(self, worker: Worker) -> None:
        self._living.discard(worker)
        self._orphans += worker.untaken()

    def _work(self, number: int, pipe: int) -> None:
        # In the child: a copy of another worker's socket would stay open after that worker has closed its own.
        for sockets in (*self._sockets[:number], *self._sockets[number + 1 :]):
            close(sockets)
        self._on_fork(f"worker {number + 1}")
        run_server(serve_as_worker(self._settings, self._sockets[number], self._files, pipe, number + 1))

    async def _keep(self, slot: Slot) -> None:
        while True:
            worker = slot.worker
            await worker.wait()
            async with slot.lock:
                if slot.worker is worker:  # unless it was replaced meanwhile
                    await asyncio.sleep(self._restart_delay(slot))
                    slot.worker = self._fork(slot.number)

    def _restart_delay(self, slot: Slot) -> float:
        """Return the delay before the replacement, in seconds; raise WorkersFailed after too many early deaths."""
        dead = slot.worker
        slot.early_deaths = slot.early_deaths + 1 if dead.age_seconds < LONG_LIFE_SECONDS else 1
        if slot.early_deaths > len(RESTART_SECONDS):
            raise WorkersFailed(
                f"Lousa stops: {dead.name} {dead.ending} soon after it was started, as did the "
                f"{slot.early_deaths - 1} before it. The log says more."
            )
        seconds = RESTART_SECONDS[slot.early_deaths - 1]
        log.warning("%s (process %d) %s; another is started in %g s", dead.name, dead.pid, dead.ending, seconds)
        return seconds

    async def _watch(self, slots: list[Slot]) -> None:
        """Stand in for workers whose event loop is stalled, and kill them in the end; `_keep` then replaces them."""
        stand_ins = [StandIn(sockets, lambda connection: self._give(slots, connection)) for sockets in self._sockets]
        try:
            await self._watch_until_stopped(slots, stand_ins)
        finally:
            for stand_in in stand_ins:
                stand_in.switch(on=False)

    async def _watch_until_stopped(self, slots: list[Slot], stand_ins: list[StandIn]) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            notify(ALIVE)
            self._clock.tick()
            still = [slot.worker.stands_still for slot in slots]
            for slot, stand_in in zip(slots, stand_ins, strict=True):
                if stand_in.switch(on=still[slot.number] and not all(still)):
                    _report_stand_in(slot.worker)
                self._kill_silent(slot.worker)
            self._orphans = [each for each in self._orphans if not self._pass_on(slots, each)]

    def _pass_on(self, slots: list[Slot], orphan: socket) -> bool:
        is_given = self._give(slots, orphan)
        if is_given:
            orphan.close()
        return is_given

    def _give(self, slots: list[Slot], connection: socket) -> bool:
        # Each time another one comes first.
        self._given += 1
        count = len(slots)
        return any(slots[(self._given + number) % count].worker.take(connection) for number in range(count))

    def _kill_silent(self, worker: Worker) -> None:
        if worker.silent_seconds >= self._silent_seconds and not worker.ended.done():
            log.error(
                "%s (process %d) hangs: its event loop has not run for %.0f s (%s); it is killed",
                worker.name,
                worker.pid,
                worker.silent_seconds,
                state_of(worker.pid),
            )
            worker.send(signal.SIGKILL)

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
        async with slot.lock:
            old, new = slot.worker, self._fork(slot.number)
            if not await new.opens(START_SECONDS):
                log.error("the new %s does not serve; the old one stays, and so do the others", new.name)
                await new.stop(0)
                return False
            slot.worker = new
        await self._stop(old)
        return True

    async def _stop(self, worker: Worker) -> bool:
        if await worker.stop(self._settings.drain_seconds + STOP_SECONDS):
            log.info("%s (process %d) has ended", worker.name, worker.pid)
            return True
        log.error("%s (process %d) did not stop cleanly: it %s", worker.name, worker.pid, worker.ending)
        return False

    async def _stop_all(self) -> bool:
        # New connections are refused at once, rather than left waiting for a worker that never starts.
        for sockets in self._sockets:
            close(sockets)
        return all(await asyncio.gather(*map(self._stop, list(self._living))))


def _report_stand_in(worker: Worker) -> None:
    if worker.stands_still:
        log.warning("%s (process %d) stands still: its new connections go to others", worker.name, worker.pid)
    else:
        log.warning("%s (process %d) takes its own connections again", worker.name, worker.pid)
