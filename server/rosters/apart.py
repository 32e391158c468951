"""Runs the steps of imports in processes of their own, at low priority: a worker serves its sockets meanwhile.

    worker -- stdin: a Task as JSON --> python -m server.rosters -- state of the import --> accounts database

How far a step is and how it ended stands in the database, for every worker to read. The process ends with its worker;
what it had not committed has not happened.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from server.databases import Databases, writing
from server.rosters.imports import State, move
from server.rosters.provider import Access
from server.tasks import cancel

log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]

# Where an import is left whose step ended with an error of ours.
_AFTER_FAILURE = {
    "check": (State.DISCARDED,),
    "pull": (State.DISCARDED, State.READY),
    "apply": (State.READY,),
    "undo": (State.APPLIED,),
}

Step = Literal["check", "pull", "apply", "undo"]


class Task(msgspec.Struct):
    """A step: the databases' URLs (with passwords: they go through a pipe), what to do, and with which import.

    `access` is the provider's of a pull; with `applies` it is applied, unless a large part of the school would end.
    """

    urls: Mapping[str, str]
    parent: int
    step: Step
    import_id: int
    path: str = ""
    access: Access | None = None
    applies: bool = False
    confirm_ended: int | None = None
    user_id: int | None = None


# Takes a step, and returns 0; anything else is an error of ours, or the end of its process.
Take = Callable[[Task], Awaitable[int | None]]


async def in_a_process(task: Task) -> int | None:
    """Take a step in a process of its own, which ends with this task; return its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.rosters", cwd=_ROOT, stdin=asyncio.subprocess.PIPE
    )
    try:
        await process.communicate(msgspec.json.encode(task))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode


class Apart:
    """The steps that this worker has begun; `take` takes one."""

    def __init__(self, databases: Databases, take: Take = in_a_process) -> None:
        self._databases = databases
        self._take = take
        self._running: set[asyncio.Task[None]] = set()

    def start(
        self,
        step: Step,
        import_id: int,
        *,
        path: Path | None = None,
        access: Access | None = None,
        applies: bool = False,
        confirm_ended: int | None = None,
        user_id: int | None = None,
    ) -> None:
        """Begin a step of an import that is in the state of that step."""
        urls = {name: self._databases.engine(name).url for name in self._databases.names}
        plain = {name: url.render_as_string(hide_password=False) for name, url in urls.items()}
        place = str(path or "")
        task = Task(plain, os.getpid(), step, import_id, place, access, applies, confirm_ended, user_id)
        running = asyncio.create_task(self._run(task))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def finished(self) -> None:
        """Wait for the end of all steps that have begun."""
        await asyncio.gather(*self._running)

    async def close(self) -> None:
        """End the steps that are under way."""
        await cancel(*self._running)

    async def _run(self, task: Task) -> None:
        code = await self._take(task)
        if code:
            log.error("the step “%s” of import %d ended with exit code %d", task.step, task.import_id, code)
            await self._give_up(task)

    async def _give_up(self, task: Task) -> None:
        sessions = self._databases.sessions("accounts")
        async with writing(sessions) as db:
            for state in _AFTER_FAILURE[task.step]:
                await move(db, task.import_id, state)
