"""Background tasks: a check goes on after an error, and what ends does so within a bounded time."""

import asyncio

import pytest

from server.databases.errors import DatabaseError
from server.tasks import cancel, finish, keep_checking, run_server


async def test_work_that_ends_in_time_is_awaited() -> None:
    done: list[int] = []

    async def close() -> None:
        await asyncio.sleep(0)
        done.append(1)

    await finish("the engine", close(), 10)
    assert done == [1]


async def test_hanging_work_is_abandoned_and_logged_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    async def close_that_hangs() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await finish("the engine", close_that_hangs(), 0.01)
    assert "the engine did not close within 0.01 s" in caplog.text
    assert "close_that_hangs" in caplog.text


async def test_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await finish("the engine", fail(), 10)


async def test_cancelled_tasks_have_ended() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    await cancel(task)
    assert task.cancelled()


async def test_check_that_fails_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = [DatabaseError("away"), ValueError("ours")]
    checked = asyncio.Event()

    async def check() -> None:
        if errors:
            raise errors.pop(0)
        checked.set()

    checking = asyncio.create_task(keep_checking(check, 0.0, "it was not done"))
    async with asyncio.timeout(10):
        await checked.wait()
    await cancel(checking)
    assert [record.getMessage() for record in caplog.records] == ["it was not done; it is tried again"]


def test_server_ends_though_a_task_outlives_its_cancellation() -> None:
    async def close() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    closing = []

    async def serve() -> None:
        closing.append(asyncio.create_task(close()))
        await asyncio.sleep(0)  # it has begun

    run_server(serve())
    assert closing[0].cancelled()


async def test_woken_check_is_made_at_once() -> None:
    checks, woken = asyncio.Queue[int](), asyncio.Event()

    async def check() -> None:
        checks.put_nowait(1)

    checking = asyncio.create_task(keep_checking(check, 3_600.0, "it was not done", woken))
    async with asyncio.timeout(10):
        await checks.get()
        woken.set()
        await checks.get()
    assert not woken.is_set()
    await cancel(checking)


async def test_check_that_is_woken_meanwhile_is_made_again() -> None:
    checks, woken = asyncio.Queue[int](), asyncio.Event()

    async def check() -> None:
        if checks.empty():
            woken.set()
        checks.put_nowait(1)

    checking = asyncio.create_task(keep_checking(check, 3_600.0, "it was not done", woken))
    async with asyncio.timeout(10):
        while checks.qsize() < 2:
            await asyncio.sleep(0)
    await cancel(checking)
