"""Children that are forked from a running event loop, and how they end."""

import asyncio
import os
import signal
import time

import pytest

from server.process.child import ChildProcess


async def test_child_runs_its_function_and_exits() -> None:
    ours, theirs = os.pipe()
    process = ChildProcess("child", lambda: os.write(theirs, b"hello"))
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert os.read(ours, 10) == b"hello"
    assert process.ending == "ended with exit code 0"
    os.close(ours)
    os.close(theirs)


async def test_child_has_its_own_event_loop() -> None:
    process = ChildProcess("child", lambda: asyncio.run(asyncio.sleep(0)))
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_child_that_raises_exits_with_1() -> None:
    process = ChildProcess("child", lambda: int("not a number"))
    assert await asyncio.wait_for(process.wait(), 10) == 1


async def test_child_ignores_signals_to_group_but_not_its_own() -> None:
    ours, theirs = os.pipe()

    def work() -> None:
        os.write(theirs, b".")
        time.sleep(60)

    process = ChildProcess("child", work)
    os.read(ours, 1)
    process.send(signal.SIGINT)
    process.send(signal.SIGHUP)
    process.send(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGTERM
    assert process.ending == "was ended by SIGTERM"
    process.send(signal.SIGTERM)  # to nobody
    os.close(ours)
    os.close(theirs)


async def test_child_that_ignores_sigterm_is_killed() -> None:
    ours, theirs = os.pipe()

    def work() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(theirs, b".")
        time.sleep(60)

    process = ChildProcess("child", work)
    os.read(ours, 1)
    assert not await process.stop(0.05)
    assert process.ending == "was ended by SIGKILL"
    os.close(ours)
    os.close(theirs)


async def test_cancelled_waiter_does_not_affect_other_waiters() -> None:
    process = ChildProcess("child", lambda: time.sleep(60))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 0.01)
    assert await process.stop(10)
