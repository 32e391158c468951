"""Guardians and relatives in the export: kept beside their students, without accounts."""

from sqlalchemy import delete, select

from server import rosters
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Enrolment
from server.databases.relatives import KeptRelative
from server.rosters.roster import Relative
from tests.server.rosters.exports import Files, Read, add, change, export_11, export_12


async def kept(sessions: DbSessions) -> list[tuple[str, str, str]]:
    """Return whose relatives are kept, as (login, name, kind)."""
    async with reading(sessions) as db:
        query = select(Account.login, KeptRelative.name, KeptRelative.kind).join(
            KeptRelative, KeptRelative.user_id == Account.id
        )
        return [tuple(row) for row in await db.execute(query.order_by(Account.login, KeptRelative.name))]  # type: ignore[misc]


def with_relatives(files: Files) -> Files:
    """Return the export in which a father is named by one of his children, and a grandmother names another."""
    files = change(files, "users.csv", "Ana,Ribeiro,,,,,,", "Ana,Ribeiro,,,,,,x1")
    return add(files, "users.csv", 'x2,,,false,o1,guardian,,,Célia,Lima,,,,,,"s2,p1",,')


def test_relative_is_named_by_either_side(read: Read) -> None:
    roster = read(with_relatives(export_11()))
    assert list(roster.relatives) == [
        Relative(0, "x1", "Rui Ribeiro", "parent"),
        Relative(1, "x2", "Célia Lima", "guardian"),
    ], "and a teacher's is nobody's"
    assert roster.skipped == {}
    assert [each.login for each in roster.users] == ["ana", "bruno", "paula", "diretora"]


def test_relative_of_nobody_is_left_out(read: Read) -> None:
    for files in (export_11(), export_12()):
        roster = read(files)
        assert (list(roster.relatives), roster.skipped) == ([], {"parent": 1})


def test_relative_with_a_bad_name_is_no_fault_of_the_export(read: Read) -> None:
    files = change(with_relatives(export_11()), "users.csv", "Célia,Lima", f"{'x' * 300},Lima")
    assert [each.sourced_id for each in read(files).relatives] == ["x1"]


async def test_import_keeps_relatives_as_the_roster_has_them(sessions: DbSessions, read: Read) -> None:
    files = with_relatives(export_11())
    summary = await rosters.apply(sessions, read(files))
    assert summary.relatives == 2
    assert await kept(sessions) == [("ana", "Rui Ribeiro", "parent"), ("bruno", "Célia Lima", "guardian")]
    renamed = change(files, "users.csv", "Célia,Lima", "Célia,Sá")
    assert not (await rosters.apply(sessions, read(renamed))).changed, "a relative is no change of the school"
    assert ("bruno", "Célia Sá", "guardian") in await kept(sessions)
    await rosters.apply(sessions, read(export_11()))
    assert await kept(sessions) == []


async def test_relatives_are_erased_with_their_student(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(with_relatives(export_11())))
    async with writing(sessions) as db:
        ana = await db.scalar(select(Account.id).where(Account.login == "ana"))
        await db.execute(delete(Enrolment).where(Enrolment.user_id == ana))
        await db.execute(delete(Account).where(Account.id == ana))
    assert await kept(sessions) == [("bruno", "Célia Lima", "guardian")]
