"""What the tests of records share: workers on the databases of a school whose people have the ids of the members."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from channels.broker.memory import MemoryBus
from server.audit.audit import Audit
from server.databases import Databases
from tests.channels.support import MEMBERS, VIOLATIONS, Worker
from tests.server.people import People

MakeWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def make_worker(databases: Databases) -> AsyncIterator[MakeWorker]:
    """Return a function that starts a worker; what a client is sent is held to the protocol's document."""
    VIOLATIONS.clear()
    async with AsyncExitStack() as running:

        async def make(bus: MemoryBus | None = None) -> Worker:
            worker = Worker(databases.engine("journal"), bus, audit=Audit(databases))
            await worker.journal.open()
            worker.engine.start()
            running.push_async_callback(worker.engine.close)
            return worker

        yield make
    assert VIOLATIONS == []


@pytest.fixture
async def school(databases: Databases, people: People) -> int:
    """Make the accounts of the members, with a class of theirs; return its id."""
    await people.school("Escola das Araucárias")
    ids = {each.login: await people.user(each.login, each.user.role, each.user.name) for each in MEMBERS}
    assert list(ids.values()) == [each.user.id for each in MEMBERS]
    return await people.classroom("6º A · Matemática", ids["ana"], ids["bruno"], teacher=ids["paula"])


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return what the files of a data folder have in them, deleted rows and free pages included."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
