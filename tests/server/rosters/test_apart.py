"""Steps of imports in processes of their own: what they do stands in the database, and so does that one failed."""

from pathlib import Path

import pytest

from server.databases import Databases, reading, writing
from server.rosters.apart import Apart, Step
from server.rosters.imports import BY_COMMAND, State, begin, find
from tests.server.rosters.exports import Folder, export_11

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


async def _after(databases: Databases, step: Step, state: State, path: Path | None = None) -> str:
    """Take a step of a new import, and return the state that it leaves."""
    sessions = databases.sessions("accounts")
    async with writing(sessions) as db:
        import_id = await begin(db, BY_COMMAND, state)
    apart = Apart(databases)
    apart.start(step, import_id, path=path)
    await apart.finished()
    async with reading(sessions) as db:
        return (await find(db, import_id)).state


async def test_process_checks_an_export_and_removes_it(databases: Databases, folder: Folder) -> None:
    path = folder(export_11())
    assert await _after(databases, "check", State.CHECKING, path) == State.READY
    assert not path.exists()


async def test_import_whose_process_fails_is_where_it_was_before(
    databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    assert await _after(databases, "apply", State.APPLYING) == State.READY
    assert "the step “apply” of import 1 ended with exit code 1" in caplog.text
