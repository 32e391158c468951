"""What the engine's tests share: a journal in a fresh database of either kind, and workers on it."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.entry import Entry, Mark
from channels.journal.journal import Journal
from channels.wire.codec import Event
from server.audit.audit import Audit
from server.databases import Databases
from tests.channels.support import VIOLATIONS, Worker, writer_for


class _Nobody:
    """Listens to a journal that has no engine."""

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        pass

    def in_doubt(self, topics: set[str]) -> None:
        pass

    def already_stored(self, topic: str, seq: int) -> None:
        pass

    def marked(self, marks: Sequence[Mark]) -> None:
        pass


@pytest.fixture(autouse=True)
def held_to_the_document() -> Iterator[None]:
    """Fail where a client was sent what the protocol's document does not know."""
    VIOLATIONS.clear()
    yield
    assert VIOLATIONS == []


@pytest.fixture
async def database(databases: Databases) -> AsyncEngine:
    """Return the journal's database, with its tables."""
    return databases.engine("journal")


@pytest.fixture
async def journal(database: AsyncEngine) -> AsyncIterator[Journal]:
    """Return a journal alone."""
    journal = Journal(database, writer_for(database))
    await journal.open()
    journal.start(_Nobody())
    yield journal
    await journal.close()


@pytest.fixture
async def make_worker(database: AsyncEngine, databases: Databases) -> AsyncIterator[Callable[..., "object"]]:
    """Return a function that starts a worker on the journal; it takes what `Worker` takes."""
    async with AsyncExitStack() as running:

        async def make(*args: object, **options: object) -> Worker:
            options.setdefault("audit", Audit(databases))
            worker = Worker(database, *args, **options)  # type: ignore[arg-type]
            await worker.journal.open()
            worker.engine.start()
            running.push_async_callback(worker.engine.close)
            return worker

        yield make


@pytest.fixture
async def worker(make_worker: Callable[..., "object"]) -> Worker:
    """Return one worker."""
    made = make_worker()
    return await made  # type: ignore[misc, no-any-return]
