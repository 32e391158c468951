"""Pushes that run again, because a governing event was committed after they were checked: per session, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from channels.engine.failure import fail
from channels.errors import Code, Refused
from channels.limit import MAX_RUNS
from channels.sessions.session import Session
from channels.wire.codec import ClientMessage


class Rerunnable(Protocol):
    """A push that may run again."""

    @property
    def message(self) -> ClientMessage:
        """The message that is answered."""

    @property
    def runs(self) -> int:
        """How often it has run."""


T = TypeVar("T", bound=Rerunnable)


class Reruns(Generic[T]):
    """The pushes of this worker that run again; `run(push, governed)` runs one when its topic is at `governed`."""

    def __init__(self, run: Callable[[T, int], Awaitable[None]]) -> None:
        self._run = run
        self._waiting: dict[Session, deque[tuple[T, int]]] = {}
        self.tasks: dict[Session, asyncio.Task[None]] = {}  # one for each session that has some

    async def close(self) -> None:
        """Give them up."""
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def wait(self, session: Session) -> None:
        """Wait until none of a session's is left."""
        await asyncio.wait([self.tasks[session]])

    def add(self, session: Session, push: T, governed: int) -> None:
        """Run a push again, after those of its session that were added before."""
        self._waiting.setdefault(session, deque()).append((push, governed))
        if session not in self.tasks:
            self.tasks[session] = asyncio.create_task(self._run_all(session))

    async def _run_all(self, session: Session) -> None:
        waiting = self._waiting[session]
        try:
            while waiting and session.closing is None:
                push, governed = waiting.popleft()
                try:
                    await self._run_one(push, governed)
                except Exception as error:
                    fail(session, push.message, error)
        finally:
            del self._waiting[session], self.tasks[session]

    async def _run_one(self, push: T, governed: int) -> None:
        if push.runs >= MAX_RUNS:
            raise Refused(Code.OVERLOADED, "the rules here change too fast; send it again", retry_after=1_000)
        await self._run(push, governed)
