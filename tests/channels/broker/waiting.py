"""Wait for a condition that other tasks and processes fulfil."""

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], bool]) -> None:
    """Wait until a condition is true; fails after 15 s, more than a loaded machine needs."""
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.005)
