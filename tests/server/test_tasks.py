import asyncio

from server.tasks import cancel


async def test_cancel_waits_until_a_task_has_ended() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0)
            ended.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel(task)
    assert ended.is_set()


async def test_cancel_does_not_wait_for_a_task_that_goes_on() -> None:
    release = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            await release.wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel(task)
    assert not task.done()
    release.set()
    await asyncio.wait([task])


async def test_cancel_of_nothing_returns() -> None:
    await cancel()
