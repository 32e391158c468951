"""How each kind of fault is applied to a site. Each function undoes its fault before it returns."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tests.faults.cluster.plan import Step
from tests.faults.cluster.pupil import Pupil
from tests.faults.cluster.site import Site

# How many connections are cut at once, as when the network of one classroom fails.
CUT_LINES = 12

# Redis cuts a subscriber as soon as anything waits that does not fit its 16 KiB of fixed buffer.
TINY = "CONFIG SET client-output-buffer-limit 'pubsub 1 1 1'"
USUAL = "CONFIG SET client-output-buffer-limit 'pubsub 32mb 8mb 60'"


async def strike(site: Site, pupils: Sequence[Pupil], step: Step) -> None:
    """Run the faults of a step concurrently and return when they are over."""
    async with asyncio.TaskGroup() as at_once:
        for number, kind in enumerate(step.kinds):
            at_once.create_task(_HOW[kind](site, pupils, step.seconds, step.dice + number))


async def _kill_worker(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    site.signal_worker(dice, signal.SIGKILL)


async def _freeze_worker(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    pid = site.signal_worker(dice, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        site.thaw(pid)


async def _kill_redis(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    site.redis.kill()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(site.redis.start)


async def _restart_redis(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    await asyncio.to_thread(site.redis.command, "SHUTDOWN NOSAVE")
    site.redis.kill()
    await asyncio.to_thread(site.redis.start)


async def _freeze_redis(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    site.redis.freeze()
    try:
        await asyncio.sleep(seconds)
    finally:
        site.redis.thaw()


async def _cut_pubsub(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    for _ in range(1 + dice % 3):
        await asyncio.to_thread(site.redis.command, "CLIENT KILL TYPE pubsub")
        await asyncio.sleep(0.3)


async def _tiny_buffer(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    """Queue publishes before a frozen Redis whose tiny buffer limit then disconnects slow subscribers."""
    await asyncio.to_thread(site.redis.command, TINY)
    await _freeze_redis(site, pupils, seconds, dice)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(site.redis.command, USUAL)


async def _half_open(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    stayers = [pupil for pupil in pupils if not pupil.retiring]
    for pupil in random.Random(dice).sample(stayers, min(CUT_LINES, len(stayers))):
        pupil.cut()


async def _hang_up(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    os.kill(site.lousa.pid, signal.SIGHUP)


async def _restart_postgresql(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    assert site.postgresql is not None
    await asyncio.to_thread(site.postgresql.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(site.postgresql.start)


async def _freeze_postgresql(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    assert site.postgresql is not None
    pids = site.postgresql.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for pid in pids:
            site.thaw(pid)


async def _end_backends(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    assert site.postgresql is not None
    await asyncio.to_thread(site.postgresql.end_backends)


async def _restart_pgbouncer(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    assert site.pgbouncer is not None
    site.pgbouncer.kill()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(site.pgbouncer.start)


async def _freeze_pgbouncer(site: Site, pupils: Sequence[Pupil], seconds: float, dice: int) -> None:
    assert site.pgbouncer is not None
    pid = site.pgbouncer.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        site.thaw(pid)


How = Callable[[Site, Sequence[Pupil], float, int], Coroutine[Any, Any, None]]

_HOW: dict[str, How] = {
    "kill-worker": _kill_worker,
    "freeze-worker": _freeze_worker,
    "kill-redis": _kill_redis,
    "restart-redis": _restart_redis,
    "freeze-redis": _freeze_redis,
    "cut-pubsub": _cut_pubsub,
    "tiny-buffer": _tiny_buffer,
    "half-open": _half_open,
    "hang-up": _hang_up,
    "restart-postgresql": _restart_postgresql,
    "freeze-postgresql": _freeze_postgresql,
    "end-backends": _end_backends,
    "restart-pgbouncer": _restart_pgbouncer,
    "freeze-pgbouncer": _freeze_pgbouncer,
}
