"""One step of an import, in a process of its own: see `apart`."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import msgspec

from server.databases import Databases
from server.process.child import end_with
from server.rosters.apart import Task
from server.rosters.pull import from_provider
from server.rosters.work import apply_checked, check, from_files, pull, undo_applied
from server.schemas import SCHEMAS

# The workers go before an import: it may take a while, and a message may not.
NICENESS = 10


async def run(task: Task) -> None:
    """Take a step."""
    databases = Databases(task.urls, SCHEMAS)
    sessions = databases.sessions("accounts")
    try:
        if task.step == "check":
            await _check(databases, task)
        elif task.access is not None:
            await pull(sessions, task.import_id, from_provider(task.access), applies=task.applies)
        elif task.step == "apply":
            await apply_checked(sessions, task.import_id, task.confirm_ended)
        else:
            await undo_applied(sessions, task.import_id, task.user_id)
    finally:
        await databases.dispose()


async def _check(databases: Databases, task: Task) -> None:
    folder = Path(task.path)
    try:
        await check(databases.sessions("accounts"), task.import_id, from_files(_only_zip(folder) or folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _only_zip(folder: Path) -> Path | None:
    found = list(folder.glob("*.zip"))
    return found[0] if found else None


if __name__ == "__main__":
    os.umask(0o077)
    os.nice(NICENESS)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    end_with(task.parent)
    asyncio.run(run(task))
