"""Steps of imports in the tests' own process: a process for each costs a second of imports."""

import logging

from server.rosters.__main__ import run
from server.rosters.apart import Task


async def here(task: Task) -> int:
    """Take a step as `server.rosters` does, and return its exit code."""
    try:
        await run(task)
    except Exception:
        logging.getLogger(__name__).exception("a step failed")
        return 1
    return 0
