from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from server import rosters
from server.accounts.refusals import UserError
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.changes import changes_after, newest_change
from server.databases.enrolments import enrolled
from server.databases.imports import Import
from tests.server.rosters.exports import Read, add, change, export_11, export_12
from tests.server.rosters.test_merge import rows, with_more, without_bruno

TABLES = (Account, SchoolClass, Enrolment)


async def all_rows(sessions: DbSessions) -> Sequence[list[tuple[Any, ...]]]:
    """Return everything of the people, classes and enrolments."""
    return [await rows(sessions, *(getattr(table, each.key) for each in table.__table__.columns)) for table in TABLES]


async def last_import(sessions: DbSessions) -> int:
    async with reading(sessions) as db:
        return await db.scalar(select(Import.id).order_by(Import.id.desc()).limit(1)) or 0


async def test_undo_restores_what_was_changed_and_ended(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    async with writing(sessions) as db:
        await db.execute(update(Account).values(password_hash="hash"))
    before = await all_rows(sessions)
    files = change(without_bruno(export_12()), "users.csv", "true,Ana,,Ana,Ribeiro", "true,bruno,,Ana,Sá")
    files = change(files, "classes.csv", "6º A", "7º A")
    files = change(files, "orgs.csv", "Escola do Vale", "Escola Nova")
    assert (await rosters.apply(sessions, read(files))).changed
    assert await all_rows(sessions) != before
    await rosters.undo(sessions, await last_import(sessions))
    assert await all_rows(sessions) == before
    assert not (await rosters.apply(sessions, read(export_12()), dry_run=True)).changed


async def test_undo_restores_logins_that_were_exchanged(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    before = await all_rows(sessions)
    swapped = {**export_11(), "users.csv": export_11()["users.csv"].replace(",Ana,,", ",bruno,,", 1)}
    swapped = change(swapped, "users.csv", "student,bruno,,Bruno", "student,ana,,Bruno")
    await rosters.apply(sessions, read(swapped))
    await rosters.undo(sessions, await last_import(sessions))
    assert await all_rows(sessions) == before


async def test_undo_ends_whom_the_import_created(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    before = await all_rows(sessions)
    more = read(add(with_more(export_11(), 2), "classes.csv", "c3,,,Xadrez,06,k1,,,,o1,t1,,,"))
    await rosters.apply(sessions, more)
    created = [(row[0],) for row in await rows(sessions, Account.id)][-2:]
    await rosters.undo(sessions, await last_import(sessions))
    after = await all_rows(sessions)
    assert [row for row in after[0] if row[0] <= before[0][-1][0]] == before[0]
    assert (await rows(sessions, Account.active))[-2:] == [(False,), (False,)]
    assert (await rows(sessions, SchoolClass.title, SchoolClass.active))[-1] == ("Xadrez", False)
    assert after[2] == before[2]
    await rosters.apply(sessions, more)
    assert [(row[0],) for row in await rows(sessions, Account.id)][-2:] == created
    assert (await rows(sessions, Account.login))[-1] == ("n1",)


async def test_undo_of_first_import_leaves_room_for_another_school(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    await rosters.undo(sessions, await last_import(sessions))
    assert {active for (active,) in await rows(sessions, Account.active)} == {False}
    other = {name: text.replace("o1", "o9") for name, text in export_11().items()}
    assert (await rosters.apply(sessions, read(other))).users.updated == 4


async def test_undo_that_dies_after_its_switch_is_tidied_up(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise RuntimeError("the machine is on fire")

    await rosters.apply(sessions, read(export_11()))
    more = read(with_more(export_11(), 2))
    assert (await rosters.apply(sessions, more)).enrolments.created == 2
    with monkeypatch.context() as patch:
        patch.setattr("server.rosters.tidy._remove", die)
        with pytest.raises(RuntimeError):
            await rosters.undo(sessions, await last_import(sessions))
    shown = [is_there for _, is_there in await rows(sessions, Enrolment.id, enrolled())]
    assert shown.count(True) == (4 if sessions.kw["bind"].dialect.name == "sqlite" else 6)
    await rosters.apply(sessions, more)
    assert [is_there for _, is_there in await rows(sessions, Enrolment.id, enrolled())] == [True] * 6


async def test_undo_brings_an_enrolment_back_to_its_class(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    before = await all_rows(sessions)
    await rosters.apply(sessions, read(change(export_11(), "enrollments.csv", "e1,,,c1", "e1,,,c2")))
    await rosters.undo(sessions, await last_import(sessions))
    assert await all_rows(sessions) == before


async def test_account_taken_over_is_given_back(sessions: DbSessions, read: Read) -> None:
    async with writing(sessions) as db:
        await db.execute(insert(Account).values(login="paula", name="By Hand", role="teacher"))
    before = await all_rows(sessions)
    await rosters.apply(sessions, read(export_11()))
    await rosters.undo(sessions, await last_import(sessions))
    assert (await all_rows(sessions))[0][0] == before[0][0]


async def test_only_the_last_import_can_be_undone_once(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    first = await last_import(sessions)
    await rosters.apply(sessions, read(with_more(export_11(), 1)))
    with pytest.raises(UserError, match="last import"):
        await rosters.undo(sessions, first)
    await rosters.apply(sessions, read(with_more(export_11(), 1)))  # changes nothing
    await rosters.undo(sessions, first + 1)
    with pytest.raises(UserError, match="only once"):
        await rosters.undo(sessions, first + 1)


async def test_undo_is_refused_where_a_login_was_given_away(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    await rosters.apply(sessions, read(change(export_11(), "users.csv", "student,bruno", "student,bl")))
    async with writing(sessions) as db:
        await db.execute(insert(Account).values(login="bruno", name="Other", role="student"))
    before = await all_rows(sessions)
    with pytest.raises(UserError, match="belongs to somebody else"):
        await rosters.undo(sessions, await last_import(sessions))
    assert await all_rows(sessions) == before


async def test_undo_concerns_those_whom_the_import_concerned(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    await rosters.apply(sessions, read(without_bruno(export_12())))
    async with reading(sessions) as db:
        last = await newest_change(db)
    await rosters.undo(sessions, await last_import(sessions))
    async with reading(sessions) as db:
        changes = await changes_after(sessions, last)
        assert changes.users is not None
        logins = set(await db.scalars(select(Account.login).where(Account.id.in_(changes.users))))
    assert (logins, changes.school) == ({"bruno", "paula", "diretora"}, True)
