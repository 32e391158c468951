import asyncio
from pathlib import Path

from server import rosters
from server.databases import DbSessions, reading, writing
from server.databases.imports import Import
from server.rosters.imports import BY_COMMAND, Origin, State, begin, find, move, read_list
from server.rosters.steps import taking_steps
from server.rosters.work import apply_checked, check, from_files, problems_of, summary_of, undo_applied
from tests.server.rosters.exports import Folder, Read, change, export_11
from tests.server.rosters.test_merge import everything, with_more


async def found(sessions: DbSessions, import_id: int) -> Import:
    async with reading(sessions) as db:
        return await find(db, import_id)


async def bring_to(sessions: DbSessions, import_id: int, state: State) -> bool:
    async with writing(sessions) as db:
        return await move(db, import_id, state)


async def checked(sessions: DbSessions, path: Path, origin: Origin = BY_COMMAND) -> int:
    async with writing(sessions) as db:
        import_id = await begin(db, origin, State.CHECKING)
    await check(sessions, import_id, from_files(path))
    return import_id


async def test_checked_import_changes_nothing_until_applied(sessions: DbSessions, folder: Folder) -> None:
    before = await everything(sessions)
    import_id = await checked(sessions, folder(export_11()))
    row = await found(sessions, import_id)
    summary = summary_of(row)
    assert row.state == State.READY
    assert summary is not None
    assert (summary.users.created, summary.enrolments.created) == (4, 4)
    assert await everything(sessions) == before
    assert await bring_to(sessions, import_id, State.APPLYING)
    assert await apply_checked(sessions, import_id) == State.APPLIED
    assert not await bring_to(sessions, import_id, State.APPLYING), "it cannot be applied twice"
    assert await bring_to(sessions, import_id, State.UNDOING)
    assert await undo_applied(sessions, import_id) == State.UNDONE


async def test_export_with_problems_is_refused_with_all_of_them(sessions: DbSessions, folder: Folder) -> None:
    files = change(export_11(), "users.csv", "student,Ana", "king,Ana")
    row = await found(sessions, await checked(sessions, folder(files)))
    assert row.state == State.REFUSED
    assert [(each.file, each.line) for each in problems_of(row).problems] == [("users.csv", 2)]
    assert summary_of(row) is None


async def test_check_waits_for_what_another_import_has_to_finish(sessions: DbSessions, folder: Folder) -> None:
    async with writing(sessions) as db:
        import_id = await begin(db, BY_COMMAND, State.CHECKING)
    async with taking_steps(sessions):
        checking = asyncio.create_task(check(sessions, import_id, from_files(folder(export_11()))))
        assert (await asyncio.wait([checking], timeout=0.3))[0] == set()
    assert await checking == State.READY


async def test_names_of_a_list_are_read_by_pages(sessions: DbSessions, folder: Folder) -> None:
    import_id = await checked(sessions, folder(export_11()))
    async with reading(sessions) as db:
        first = await read_list(db, import_id, "user:new", 0, 3)
        rest = await read_list(db, import_id, "user:new", 3, 3)
    assert [each["login"] for each in (*first, *rest)] == ["ana", "bruno", "diretora", "paula"]


async def test_import_that_would_do_something_else_is_shown_anew(
    sessions: DbSessions, folder: Folder, read: Read
) -> None:
    import_id = await checked(sessions, folder(with_more(export_11(), 2)))
    await rosters.apply(sessions, read(export_11()))
    before = await everything(sessions)
    await bring_to(sessions, import_id, State.APPLYING)
    assert await apply_checked(sessions, import_id) == State.READY
    assert await everything(sessions) == before
    summary = summary_of(await found(sessions, import_id))
    assert summary is not None
    assert summary.users.created == 2
    await bring_to(sessions, import_id, State.APPLYING)
    assert await apply_checked(sessions, import_id) == State.APPLIED


async def test_half_of_a_school_is_applied_only_if_confirmed(sessions: DbSessions, folder: Folder, read: Read) -> None:
    await rosters.apply(sessions, read(with_more(export_11(), 20)))
    import_id = await checked(sessions, folder(export_11()))
    await bring_to(sessions, import_id, State.APPLYING)
    assert await apply_checked(sessions, import_id, 39) == State.READY
    row = await found(sessions, import_id)
    assert "--confirm-ended 40" in problems_of(row).problems[0].message
    await bring_to(sessions, import_id, State.APPLYING)
    assert await apply_checked(sessions, import_id, 40) == State.APPLIED


async def test_undo_that_cannot_be_leaves_the_import_applied(sessions: DbSessions, folder: Folder, read: Read) -> None:
    import_id = await checked(sessions, folder(export_11()))
    await bring_to(sessions, import_id, State.APPLYING)
    await apply_checked(sessions, import_id)
    await rosters.apply(sessions, read(with_more(export_11(), 1)))
    await bring_to(sessions, import_id, State.UNDOING)
    assert await undo_applied(sessions, import_id) == State.APPLIED
    assert "last import" in problems_of(await found(sessions, import_id)).problems[0].message
