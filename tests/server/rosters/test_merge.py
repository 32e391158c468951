import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from server import rosters
from server.databases import Databases, DbSessions, reading, writing
from server.databases.accounts import Account, Change, Enrolment, School, SchoolClass
from server.databases.changes import IN_ONE_NOTE, changes_after, newest_change
from server.databases.enrolments import enrolled
from server.databases.people import WantedPeople, find_people
from server.rosters import Counts, concerned, staging
from tests.server.rosters.exports import Files, Read, add, change, export_11, export_12


async def rows(sessions: DbSessions, *columns: Any) -> list[tuple[Any, ...]]:
    """Return these columns of all rows of a table, in the order of their ids."""
    async with reading(sessions) as session:
        order = columns[0].class_.id
        return [tuple(row) for row in await session.execute(select(*columns).order_by(order))]


async def everything(sessions: DbSessions) -> Sequence[list[tuple[Any, ...]]]:
    """Return all rows that an import may change."""
    return [
        await rows(sessions, *(getattr(table, column.key) for column in table.__table__.columns))
        for table in (School, Account, SchoolClass, Enrolment, Change)
    ]


async def create_by_hand(sessions: DbSessions, login: str, **more: Any) -> None:
    async with writing(sessions) as session:
        await session.execute(insert(Account).values(login=login, name="By Hand", role="teacher", **more))


USERS = [
    ("s1", "ana", "Ana Ribeiro", "student", True),
    ("s2", "bruno", "Bruno Lima", "student", True),
    ("p1", "paula", "Paula Nogueira", "teacher", True),
    ("d1", "diretora", "Helena Prado", "principal", True),
]
USER_COLUMNS = (Account.sourced_id, Account.login, Account.name, Account.role, Account.active)


async def test_a_first_import_creates_the_school(sessions: DbSessions, read: Read) -> None:
    summary = await rosters.apply(sessions, read(export_12()))
    assert summary == rosters.Summary(
        "Escola do Vale", True, Counts(created=4), Counts(created=2), Counts(created=4), {"parent": 1}
    )
    assert await rows(sessions, School.sourced_id, School.name) == [("o1", "Escola do Vale")]
    assert await rows(sessions, *USER_COLUMNS) == USERS
    assert await rows(sessions, Account.enabled, Account.password_hash) == [(True, None)] * 4
    assert await rows(sessions, SchoolClass.title, SchoolClass.grade, SchoolClass.active) == [
        ("6º A · Matemática", "06", True),
        ("6º B · Matemática", "06", True),
    ]
    users = dict(await rows(sessions, Account.sourced_id, Account.id))
    classes = dict(await rows(sessions, SchoolClass.sourced_id, SchoolClass.id))
    found = await rows(sessions, Enrolment.sourced_id, Enrolment.user_id, Enrolment.class_id, Enrolment.role)
    assert sorted(found) == [
        ("e1", users["s1"], classes["c1"], "student"),
        ("e2", users["s2"], classes["c2"], "student"),
        ("e3", users["p1"], classes["c1"], "teacher"),
        ("e4", users["p1"], classes["c2"], "teacher"),
    ]


async def test_the_same_import_again_changes_nothing(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    before = await everything(sessions)
    summary = await rosters.apply(sessions, read(export_11()))
    assert not summary.changed
    assert await everything(sessions) == before


async def test_changed_rows_are_updated(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    files = change(export_12(), "users.csv", "true,bruno,,Bruno,Lima", "true,bruno.sa,,Bruno,Sá")
    files = change(files, "roles.csv", "s2,primary,student", "s2,primary,teacher")
    files = change(files, "enrollments.csv", "s2,student", "s2,teacher")
    files = change(files, "classes.csv", "6º B", "7º B")
    files = change(files, "orgs.csv", "Escola do Vale", "Escola Nova")
    summary = await rosters.apply(sessions, read(files))
    assert summary == rosters.Summary(
        "Escola Nova", True, Counts(updated=1), Counts(updated=1), Counts(updated=1), {"parent": 1}
    )
    assert (await rows(sessions, *USER_COLUMNS))[1] == ("s2", "bruno.sa", "Bruno Sá", "teacher", True)
    assert (await rows(sessions, SchoolClass.title))[1] == ("7º B · Matemática",)
    assert await rows(sessions, School.name) == [("Escola Nova",)]


def without_bruno(files: Files) -> Files:
    """Return the export after Bruno and the class 6º B have left."""
    files = change(files, "users.csv", "s2,,,true,bruno,,Bruno,Lima,,,,,,,,,,,,,o1,\r\n", "")
    files = change(files, "roles.csv", "r2,,,s2,primary,student,,,o1,\r\n", "")
    files = change(files, "classes.csv", "c2,,,6º B · Matemática,06,k1,,Homeroom,,o1,t1,,,\r\n", "")
    files = change(files, "enrollments.csv", "e2,,,c2,o1,s2,student,false,,\r\n", "")
    return change(files, "enrollments.csv", "e4,,,c2,o1,p1,teacher,true,,\r\n", "")


async def test_missing_rows_end_and_may_return(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    ids = await rows(sessions, Enrolment.id, Enrolment.user_id, Enrolment.class_id)
    summary = await rosters.apply(sessions, read(without_bruno(export_12())))
    assert (summary.users, summary.classes, summary.enrolments) == (Counts(ended=1), Counts(ended=1), Counts())
    assert await rows(sessions, Account.active) == [(True,), (False,), (True,), (True,)]
    assert await rows(sessions, SchoolClass.active) == [(True,), (False,)]
    assert {active for (active,) in await rows(sessions, Enrolment.active)} == {True}, "it was theirs when it ended"
    summary = await rosters.apply(sessions, read(export_12()))
    assert (summary.users, summary.classes, summary.enrolments) == (
        Counts(updated=1),
        Counts(updated=1),
        Counts(),
    )
    assert await rows(sessions, *USER_COLUMNS) == USERS
    assert await rows(sessions, Enrolment.id, Enrolment.user_id, Enrolment.class_id) == ids
    assert {active for (active,) in await rows(sessions, Enrolment.active)} == {True}


async def test_import_keeps_passwords_and_disabled_accounts(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    async with writing(sessions) as session:
        await session.execute(update(Account).values(password_hash="hash", code_hash="code", enabled=False))
    await rosters.apply(sessions, read(without_bruno(export_12())))
    await rosters.apply(sessions, read(export_12()))
    columns = (Account.password_hash, Account.code_hash, Account.enabled)
    assert await rows(sessions, *columns) == [("hash", "code", False)] * 4


async def test_users_created_by_hand_are_unchanged(sessions: DbSessions, read: Read) -> None:
    await create_by_hand(sessions, "zelador")
    await rosters.apply(sessions, read(export_12()))
    await rosters.apply(sessions, read(without_bruno(export_12())))
    assert (await rows(sessions, *USER_COLUMNS))[0] == (None, "zelador", "By Hand", "teacher", True)


async def test_person_made_by_hand_becomes_the_rosters(sessions: DbSessions, read: Read) -> None:
    await create_by_hand(sessions, "paula", password_hash="hash")
    [(by_hand,)] = await rows(sessions, Account.id)
    dry = await rosters.apply(sessions, read(export_12()), dry_run=True)
    assert await rows(sessions, Account.sourced_id, Account.name) == [(None, "By Hand")]
    assert await rosters.apply(sessions, read(export_12())) == dry
    assert (dry.users, dry.remarks[-1].times) == (Counts(created=3, updated=1), 1)
    [place] = dry.remarks[-1].places
    assert (
        str(place) == "users.csv:4:username: “paula”, “By Hand” by hand, is “Paula Nogueira” of the roster from now on."
    )
    found = await rows(sessions, Account.id, *USER_COLUMNS, Account.password_hash)
    assert found[0] == (by_hand, *USERS[2], "hash")
    assert not (await rosters.apply(sessions, read(export_12()))).remarks


async def test_person_taken_over_unchanged_is_reported_once(sessions: DbSessions, read: Read) -> None:
    async with writing(sessions) as session:
        await session.execute(insert(Account).values(login="paula", name="Paula Nogueira", role="teacher"))
    summary = await rosters.apply(sessions, read(export_12()))
    assert (summary.users, len(summary.remarks)) == (Counts(created=3, updated=1), 1)
    assert not (await rosters.apply(sessions, read(export_12()))).changed


async def test_login_made_by_hand_of_a_known_user_is_refused(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    await create_by_hand(sessions, "pn")
    with pytest.raises(rosters.RosterErrors, match="another account from earlier rosters"):
        await rosters.apply(sessions, read(change(export_12(), "users.csv", "true,paula", "true,pn")))


async def test_login_made_by_hand_of_another_role_is_refused(sessions: DbSessions, read: Read) -> None:
    await create_by_hand(sessions, "ana")
    await create_by_hand(sessions, "lima@vale.example")
    files = change(export_11(), "users.csv", "bruno,,Bruno,Lima,,,", ",,Bruno,Lima,,,Lima@vale.example")
    before = await everything(sessions)
    with pytest.raises(rosters.RosterErrors) as refused:
        await rosters.apply(sessions, read(files))
    assert [(each.file, each.line, each.column) for each in refused.value.problems] == [
        ("users.csv", 2, "username"),
        ("users.csv", 3, "email"),
    ]
    assert await everything(sessions) == before


async def test_users_may_swap_logins(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    files = change(export_12(), "users.csv", "true,Ana", "true,bruno!")
    files = change(files, "users.csv", "true,bruno,", "true,ana,")
    files = change(files, "users.csv", "true,bruno!", "true,bruno")
    assert (await rosters.apply(sessions, read(files))).users == Counts(updated=2)
    assert (await rows(sessions, Account.login))[:2] == [("bruno",), ("ana",)]


async def test_new_user_may_take_the_login_of_a_former_user(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    async with writing(sessions) as session:
        await session.execute(update(Account).values(password_hash="hash"))
    files = {name: text.replace("s2,", "s3,") for name, text in export_12().items()}
    assert (await rosters.apply(sessions, read(files))).users == Counts(created=1, ended=1)
    found = {row[0]: row[1:] for row in await rows(sessions, *USER_COLUMNS[:2], Account.id, Account.password_hash)}
    assert found["s2"] == (f"#{found['s2'][1]}", found["s2"][1], "hash")
    assert found["s3"] == ("bruno", found["s3"][1], None)
    # And back again: the logins are those of the roster.
    await rosters.apply(sessions, read(export_12()))
    assert dict(await rows(sessions, Account.sourced_id, Account.login))["s2"] == "bruno"


async def test_enrolments_are_identified_by_user_and_class(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    columns = (Enrolment.id, Enrolment.user_id, Enrolment.class_id, Enrolment.active)
    before = await rows(sessions, *columns)
    turned = export_12()["enrollments.csv"]
    for old, new in (("e1,", "tmp,"), ("e2,", "e1,"), ("e3,", "e2,"), ("e4,", "e3,"), ("tmp,", "e4,")):
        turned = turned.replace(old, new)
    summary = await rosters.apply(sessions, read({**export_12(), "enrollments.csv": turned}))
    assert summary.enrolments == Counts(updated=4)
    assert await rows(sessions, *columns) == before


async def test_enrolment_made_by_hand_stays_unless_in_the_roster(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    ana, bruno, *_ = [row[0] for row in await rows(sessions, Account.id)]
    first, second = (row[0] for row in await rows(sessions, SchoolClass.id))
    async with writing(sessions) as session:
        for user, school_class in ((ana, second), (bruno, first)):
            await session.execute(insert(Enrolment).values(user_id=user, class_id=school_class, role="student"))
    files = add(export_12(), "enrollments.csv", "e9,,,c2,o1,s1,student,,,")
    assert (await rosters.apply(sessions, read(files))).enrolments == Counts(updated=1)
    assert (await rosters.apply(sessions, read(export_12()))).enrolments == Counts(ended=1)
    found = await rows(sessions, Enrolment.user_id, Enrolment.class_id, Enrolment.sourced_id, Enrolment.active)
    assert (ana, second, "e9", False) in found
    assert (bruno, first, None, True) in found


def with_more(files: Files, number: int) -> Files:
    """Return the export with more students in 6º A."""
    people = [f"n{each},,,true,o1,student,n{each},,Nina,Sá,,,,,,,," for each in range(number)]
    places = [f"n{each},,,c1,o1,n{each},student,,," for each in range(number)]
    return add(add(files, "users.csv", *people), "enrollments.csv", *places)


async def test_import_that_ends_many_needs_confirmation(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(with_more(export_11(), 20)))
    before = await everything(sessions)
    empty = {**export_11(), "users.csv": with_more(export_11(), 20)["users.csv"]}
    empty["enrollments.csv"] = empty["enrollments.csv"].splitlines(keepends=True)[0]
    assert (await rosters.apply(sessions, read(empty), dry_run=True)).to_confirm == 24
    for confirmed in (None, 0, 23):
        with pytest.raises(rosters.RosterErrors, match=r"0 users, 0 classes and 24 enrolments.*--confirm-ended 24"):
            await rosters.apply(sessions, read(empty), confirm_ended=confirmed)
    assert await everything(sessions) == before
    assert (await rosters.apply(sessions, read(empty), confirm_ended=24)).enrolments == Counts(ended=24)


@pytest.mark.parametrize(("students", "leaving", "asked"), [(5, 5, 0), (40, 8, 0), (40, 10, 20), (6, 6, 12)])
async def test_only_many_and_a_large_part_need_confirmation(
    sessions: DbSessions, read: Read, students: int, leaving: int, asked: int
) -> None:
    await rosters.apply(sessions, read(with_more(export_11(), students)))
    left = read(with_more(export_11(), students - leaving))
    assert (await rosters.apply(sessions, left, dry_run=True)).to_confirm == asked


async def test_dry_run_reports_changes_without_making_them(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    before = await everything(sessions)
    would = await rosters.apply(sessions, read(without_bruno(export_12())), dry_run=True)
    assert would.changed
    assert await everything(sessions) == before
    assert await rosters.apply(sessions, read(without_bruno(export_12()))) == would


async def import_and_look(sessions: DbSessions, roster: rosters.Roster) -> tuple[set[str] | None, bool]:
    """Import; return the logins of the users concerned, and whether the school has changed."""
    async with reading(sessions) as session:
        last = await newest_change(session)
    await rosters.apply(sessions, roster)
    async with reading(sessions) as session:
        changes = await changes_after(sessions, last)
        if changes.users is None:
            return None, changes.school
        logins = await session.scalars(select(Account.login).where(Account.id.in_(changes.users)))
        return set(logins), changes.school


async def test_an_import_that_changes_nothing_concerns_nobody(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    assert await import_and_look(sessions, read(export_12())) == (set(), False)


async def test_import_reports_former_users_and_changed_classes(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    found = await import_and_look(sessions, read(without_bruno(export_12())))
    assert found == ({"bruno", "paula", "diretora"}, True), "not ana, whose class is as before"


async def test_a_new_student_concerns_their_class(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(without_bruno(export_12())))
    assert await import_and_look(sessions, read(export_12())) == ({"bruno", "paula", "diretora"}, True)


async def test_renamed_class_concerns_its_members(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    files = change(export_12(), "classes.csv", "6º A", "7º A")
    assert await import_and_look(sessions, read(files)) == ({"ana", "paula", "diretora"}, True)


async def test_renamed_user_concerns_only_that_user(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    files = change(export_12(), "users.csv", "Bruno,Lima", "Bruno,Sá")
    assert await import_and_look(sessions, read(files)) == ({"bruno"}, False)


async def test_renamed_school_concerns_no_single_user(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    files = change(export_12(), "orgs.csv", "Escola do Vale", "Escola Nova")
    assert await import_and_look(sessions, read(files)) == (set(), True)


async def test_import_that_concerns_thousands_concerns_nobody_else(sessions: DbSessions, read: Read) -> None:
    files = with_more(export_11(), 3 * IN_ONE_NOTE)
    await rosters.apply(sessions, read(files))
    renamed = change(files, "classes.csv", "6º A", "7º A")
    users, _ = await import_and_look(sessions, read(renamed))
    assert users is not None
    assert len(users) == 3 * IN_ONE_NOTE + len(("ana", "paula", "diretora"))
    assert "bruno" not in users


async def test_the_roster_of_another_school_is_refused(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_12()))
    other = {name: text.replace("o1,", "o7,") for name, text in export_12().items()}
    with pytest.raises(rosters.RosterErrors, match=r"orgs\.csv:2:sourcedId: This is the server of “Escola do Vale”"):
        await rosters.apply(sessions, read(other))


async def test_school_named_by_hand_gets_the_name_of_the_roster(sessions: DbSessions, read: Read) -> None:
    async with writing(sessions) as session:
        await session.execute(insert(School).values(name="Nossa escola"))
    assert (await rosters.apply(sessions, read(export_12()))).renamed
    assert await rows(sessions, School.sourced_id, School.name) == [("o1", "Escola do Vale")]


async def test_an_import_that_fails_in_the_middle_changes_nothing(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rosters.apply(sessions, read(export_12()))
    before = await everything(sessions)

    async def fail(*_: object) -> None:
        raise RuntimeError("the machine is on fire")

    with monkeypatch.context() as patch:
        patch.setattr("server.rosters.merge.resolve_enrolments", fail)
        with pytest.raises(RuntimeError):
            await rosters.apply(sessions, read(without_bruno(export_12())))
    assert await everything(sessions) == before
    assert (await rosters.apply(sessions, read(without_bruno(export_12())))).users == Counts(ended=1)


async def test_concurrent_change_is_reported_and_import_rolled_back(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clash(*_: object) -> None:
        raise IntegrityError("INSERT", {}, Exception("UNIQUE"))

    monkeypatch.setattr("server.rosters.merge.resolve_enrolments", clash)
    with pytest.raises(rosters.RosterErrors, match="import again"):
        await rosters.apply(sessions, read(export_12()))
    assert not any(await everything(sessions))


async def test_concurrent_imports_run_one_after_another(sessions: DbSessions, read: Read) -> None:
    results = await asyncio.gather(*(rosters.apply(sessions, read(export_12())) for _ in range(3)))
    assert sorted(result.users.created for result in results) == [0, 0, 4]
    assert await rows(sessions, *USER_COLUMNS) == USERS


async def test_other_writers_continue_while_a_roster_is_staged(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stage_and_let_others_write(*arguments: Any) -> None:
        await staging.stage(*arguments)
        await create_by_hand(sessions, "meanwhile")

    monkeypatch.setattr("server.rosters.merge.stage", stage_and_let_others_write)
    await rosters.apply(sessions, read(export_12()))
    assert ("meanwhile",) in await rows(sessions, Account.login)


async def look_before_the_switch(
    sessions: DbSessions, monkeypatch: pytest.MonkeyPatch, then: Exception | None = None
) -> list[tuple[Any, ...]]:
    """Return a list that gets what readers see when all is written but the switch; then fail with this error."""
    seen: list[tuple[Any, ...]] = []

    async def look(*given: Any, **more: Any) -> set[int]:
        await create_by_hand(sessions, f"meanwhile{len(seen)}")  # on SQLite others could not write in the same step
        async with reading(sessions) as db:
            seen.append(tuple((each.login, each.active) for each in await find_people(db, WantedPeople(), None, 50)))
        seen.append(tuple(await rows(sessions, Enrolment.id, enrolled())))
        if then is not None:
            raise then
        return await concerned.concerned(*given, **more)

    monkeypatch.setattr("server.rosters.merge.concerned", look)
    return seen


async def test_readers_see_all_of_an_import_or_nothing(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rosters.apply(sessions, read(without_bruno(export_12())))
    seen = await look_before_the_switch(sessions, monkeypatch)
    files = change(export_12(), "users.csv", "Ana,,Ana", "zoe,,Zoe")
    await rosters.apply(sessions, read(files))
    people, places = seen
    assert set(people) == {(login, True) for login in ("ana", "paula", "diretora", "meanwhile0")}
    assert [is_enrolled for _, is_enrolled in places].count(True) == 2
    assert all(is_enrolled for _, is_enrolled in await rows(sessions, Enrolment.id, enrolled()))
    assert (await rows(sessions, *USER_COLUMNS))[0][1:3] == ("zoe", "Zoe Ribeiro")
    assert ("s2", "bruno", "Bruno Lima", "student", True) in await rows(sessions, *USER_COLUMNS)


@pytest.mark.parametrize("is_killed", [False, True])
async def test_import_that_dies_before_its_switch_leaves_nothing(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch, *, is_killed: bool
) -> None:
    async def nothing(*_: object) -> None:
        pass

    await rosters.apply(sessions, read(without_bruno(export_12())))
    with monkeypatch.context() as patch:
        if is_killed:
            patch.setattr("server.rosters.merge._Import.give_up", nothing)
        await look_before_the_switch(sessions, patch, RuntimeError("the machine is on fire"))
        with pytest.raises(RuntimeError):
            await rosters.apply(sessions, read(export_12()))
    if not is_killed:
        assert [login for _, login, *_ in await rows(sessions, *USER_COLUMNS) if "meanwhile" not in login] == [
            "ana",
            "paula",
            "diretora",
        ]
    assert (await rosters.apply(sessions, read(export_12()))).users == Counts(created=1)
    assert [active for _, login, *_, active in await rows(sessions, *USER_COLUMNS) if login == "bruno"] == [True]


async def test_many_rows_are_written_in_several_steps(
    sessions: DbSessions, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.rosters.steps.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("server.rosters.tidy.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("server.rosters.steps.PAUSE_SECONDS", 0.0)
    files = with_more(export_11(), 9)
    assert (await rosters.apply(sessions, read(files))).users.created == 13
    swapped = change(change(files, "users.csv", ",n1,,Nina", ",x,,Nina"), "users.csv", ",n2,,Nina", ",n1,,Nina")
    assert (
        await rosters.apply(sessions, read(change(swapped, "users.csv", ",x,,Nina", ",n2,,Nina")))
    ).users.updated == 2
    assert not (await rosters.apply(sessions, read(change(swapped, "users.csv", ",x,,Nina", ",n2,,Nina")))).changed


async def test_progress_ends_at_its_total(sessions: DbSessions, read: Read) -> None:
    steps: list[tuple[int, int]] = []
    await rosters.apply(sessions, read(export_12()), progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1] == (30, 30)


async def test_connection_is_reusable_after_an_import(databases: Databases, read: Read) -> None:
    sessions = databases.sessions("accounts")
    for _ in range(3):
        await rosters.apply(sessions, read(export_12()))
        await rosters.apply(sessions, read(without_bruno(export_12())), dry_run=True)
    assert await rows(sessions, *USER_COLUMNS) == USERS


async def test_enrolment_waits_for_its_first_day(sessions: DbSessions, read: Read) -> None:
    dated = change(export_11(), "enrollments.csv", "s1,student,false,,", "s1,student,false,2999-01-31,")
    assert (await rosters.apply(sessions, read(dated))).enrolments == Counts(created=4)
    columns = (Enrolment.sourced_id, Enrolment.active, Enrolment.listed, Enrolment.begins)
    assert ("e1", False, True, "2999-01-31") in await rows(sessions, *columns)
    assert not (await rosters.apply(sessions, read(dated))).changed
    assert (await rosters.apply(sessions, read(export_11()))).enrolments == Counts(updated=1)
    assert ("e1", True, True, None) in await rows(sessions, *columns)
