"""Ending background tasks within a bounded time."""

import asyncio
from typing import Any

# SQLAlchemy takes 2 s to give up a connection whose database hangs. A stop does not wait for that: what such a task
# did is rolled back with its connection.
CANCEL_SECONDS = 1.0


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks, and wait until they have ended, but at most CANCEL_SECONDS."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
