"""Waiting for what other tasks and processes bring about."""

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true; fails after 15 s, which a loaded machine does not need."""
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.005)
