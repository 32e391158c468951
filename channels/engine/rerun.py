"""Pushes that run again, because an event that concerns their rules was committed after they were checked.

    add() -> until none of the session is under way -> in the order in which they came -> Runner.run_again

A push that runs again may be superseded again. So a session's pushes run again in the order of their numbers, and one
follows another at once only where both are checked against the same governing event: then both are stored, or neither.
"""

import asyncio
from typing import Generic, Protocol, TypeVar

from channels.engine.failure import Failures
from channels.errors import Code, Refused, Unavailable
from channels.journal.entry import Superseded
from channels.limit import MAX_RUNS
from channels.sessions.session import Session
from channels.wire.codec import ClientMessage


class Rerunnable(Protocol):
    """A push that may run again."""

    @property
    def message(self) -> ClientMessage:
        """The message that is answered."""

    @property
    def number(self) -> int:
        """Its place among the pushes of this worker."""

    @property
    def runs(self) -> int:
        """How often it has run."""


T = TypeVar("T", bound=Rerunnable)
C = TypeVar("C", bound=Rerunnable, contravariant=True)


class Runner(Protocol[C]):
    """Runs pushes."""

    async def appends_settled(self, session: Session) -> None:
        """Wait until no push of a session is on its way into the journal."""

    def may_follow(self, push: C) -> bool:
        """Tell whether a push would be checked as those of its session that are under way were."""

    async def run_again(self, push: C, superseded: Superseded) -> None:
        """Run a push once its topic has reached the events that it was not checked against."""


class Reruns(Generic[T]):
    """The pushes of this worker that run again."""

    def __init__(self, runner: Runner[T], failures: Failures) -> None:
        self._runner = runner
        self._failures = failures
        self._waiting: dict[Session, list[tuple[T, Superseded]]] = {}
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

    def add(self, session: Session, push: T, superseded: Superseded) -> None:
        """Run a push again."""
        self._waiting.setdefault(session, []).append((push, superseded))
        if session not in self.tasks:
            self.tasks[session] = asyncio.create_task(self._run_all(session))

    async def _run_all(self, session: Session) -> None:
        waiting = self._waiting[session]
        try:
            while waiting and session.closing is None:
                await self._runner.appends_settled(session)
                waiting.sort(key=lambda each: each[0].number)
                await self._run_first(session, waiting)
                while waiting and self._runner.may_follow(waiting[0][0]):
                    await self._run_first(session, waiting)
        finally:
            del self._waiting[session], self.tasks[session]

    async def _run_first(self, session: Session, waiting: list[tuple[T, Superseded]]) -> None:
        push, superseded = waiting.pop(0)
        try:
            if push.runs >= MAX_RUNS:
                raise Refused(Code.OVERLOADED, "the rules here change too fast; send it again", retry_after=1_000)
            await self._runner.run_again(push, superseded)
        except Unavailable as error:
            # The others would each wait as long for the same answer.
            for each, _ in [(push, superseded), *waiting]:
                self._failures.fail(session, each.message, error)
            waiting.clear()
        except Exception as error:
            self._failures.fail(session, push.message, error)
