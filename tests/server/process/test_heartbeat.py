"""A hanging worker is detected; time in which the supervisor was stopped does not count."""

import asyncio
import os
import sys
import time
from pathlib import Path

from server.process.child import ChildProcess
from server.process.heartbeat import BEAT, RunningClock, beat, report


def test_pause_of_its_own_process_counts_as_one_step() -> None:
    now = 100.0
    clock = RunningClock(2.0, lambda: now)
    now += 1.5
    clock.tick()
    assert clock.now == 1.5
    now += 3600.0  # suspended, or stopped
    clock.tick()
    assert clock.now == 3.5


async def test_a_running_event_loop_writes_beats_to_its_pipe() -> None:
    ours, theirs = os.pipe()
    beating = asyncio.create_task(beat(theirs, seconds=0.001))
    assert await asyncio.to_thread(os.read, ours, 1) == BEAT
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    os.close(ours)
    os.close(theirs)


def test_a_full_pipe_does_not_block_a_beat() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    report(theirs, BEAT * 1_000_000)
    report(theirs, BEAT)
    os.close(ours)
    os.close(theirs)


def stand_still_here() -> None:
    time.sleep(3)


async def test_stacks_of_a_stalled_loop_are_written(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def hang() -> None:
        beating = asyncio.create_task(beat(None, seconds=0.01, stall_seconds=0.1))
        await asyncio.sleep(0.05)
        stand_still_here()
        beating.cancel()

    def work() -> None:
        sys.stderr = log.open("w")
        asyncio.run(hang())

    process = ChildProcess("child", work)
    async with asyncio.timeout(10):
        while "stand_still_here" not in (log.read_text() if log.exists() else ""):
            await asyncio.sleep(0.01)
    await process.stop(0)
