"""Accounts and journal that do not belong together are refused, and paired again by the administrator's command."""

import pytest
from sqlalchemy import event, text

from server.databases import Databases, writing
from server.databases.accounts import Account, SchoolClass
from server.databases.errors import DatabasesApart

EVENT = """
    INSERT INTO events (topic_id, seq, event, author_id, at, payload)
    SELECT id, 1, 'message:sent', {author}, 1, '{{}}' FROM topics WHERE name = 'class:1'
"""
READ = "INSERT INTO reads (topic_id, user_id, seq, at) SELECT id, {reader}, 1, 1 FROM topics WHERE name = 'class:1'"
TOPIC = "INSERT INTO topics (name, seq) VALUES ('{name}', {seq})"


@pytest.fixture
async def school(databases: Databases) -> Databases:
    """Return databases of a school with one user, one class and one topic of 7 events, after their first start."""
    async with writing(databases.sessions("accounts")) as db:
        db.add_all([Account(login="ana", name="Ana", role="student"), SchoolClass(title="6º A")])
    await change(databases, "journal", TOPIC.format(name="class:1", seq=7), EVENT.format(author=1))
    await databases.prepare()
    return databases


async def change(databases: Databases, name: str, *statements: str) -> None:
    """Run statements in one transaction."""
    async with writing(databases.sessions(name)) as db:
        for statement in statements:
            await db.execute(text(statement))


async def value(databases: Databases, name: str, query: str) -> object:
    """Return the only value of a query."""
    async with writing(databases.sessions(name)) as db:
        return await db.scalar(text(query))


async def test_paired_databases_are_accepted_again(school: Databases) -> None:
    await school.prepare()
    paired = await value(school, "accounts", "SELECT epoch FROM pairing")
    assert paired == await value(school, "journal", "SELECT epoch FROM journal")


@pytest.mark.parametrize(
    ("mentioned", "message"),
    [
        (READ.format(reader=9), "mentions user 9, and the accounts end at 1"),
        (TOPIC.format(name="user:9", seq=1), "mentions user 9, and the accounts end at 1"),
        (TOPIC.format(name="class:9", seq=1), "mentions class 9, and the accounts end at 1"),
        ("UPDATE events SET author_id = 9", "mentions user 9, and the accounts end at 1"),
    ],
)
async def test_accounts_older_than_the_journal_are_refused(school: Databases, mentioned: str, message: str) -> None:
    await change(school, "journal", mentioned)
    with pytest.raises(DatabasesApart, match=f"{message}: .*“python server.py database accept”"):
        await school.prepare()


async def test_new_accounts_are_refused_beside_an_old_journal(databases: Databases) -> None:
    await change(databases, "journal", TOPIC.format(name="class:1", seq=1), EVENT.format(author=1))
    with pytest.raises(DatabasesApart, match="mentions user 1, and the accounts end at 0"):
        await databases.prepare()


async def test_deleted_users_are_no_sign_of_older_accounts(school: Databases) -> None:
    await change(school, "accounts", "DELETE FROM users", "DELETE FROM classes")
    await school.prepare()


async def test_another_journal_is_refused(school: Databases) -> None:
    await change(school, "journal", "UPDATE journal SET epoch = 'another'")
    with pytest.raises(DatabasesApart, match="belong to another journal"):
        await school.prepare()


async def test_journal_that_lost_events_is_refused(school: Databases) -> None:
    await change(school, "journal", "UPDATE topics SET seq = 9, moved = 2")
    await school.record_progress()
    await change(school, "journal", "UPDATE topics SET seq = 8, moved = 1")
    for check in (school.prepare, school.record_progress):
        with pytest.raises(DatabasesApart, match="the journal had 9 events and has 8"):
            await check()


async def test_record_of_progress_costs_two_reads_while_nothing_moves(
    school: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.databases.RECORD_ANYWAY_SECONDS", 0.0)
    await school.record_progress()
    statements: list[str] = []
    for name in ("accounts", "journal"):
        engine = school.engine(name).sync_engine
        event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for _ in range(2):
        await school.record_progress()
    read = [statement for statement in statements if statement != "BEGIN"]
    assert len(read) == 2 * 2, read
    assert not [statement for statement in read if "sum(" in statement]
    await change(school, "journal", "UPDATE topics SET seq = 9, moved = 2")
    await school.record_progress()
    assert await value(school, "accounts", "SELECT stored FROM pairing") == 9


async def test_accounts_that_lost_changes_are_refused(school: Databases) -> None:
    await change(school, "accounts", "UPDATE change_counter SET number = 9")
    await school.record_progress()
    await change(school, "accounts", "UPDATE change_counter SET number = 8")
    for check in (school.prepare, school.record_progress):
        with pytest.raises(DatabasesApart, match="the accounts had 9 changes and have 8"):
            await check()
    await school.accept()
    await school.prepare()


async def test_accepted_journal_has_a_new_epoch_and_key(school: Databases) -> None:
    before = [await value(school, "journal", f"SELECT {column} FROM journal") for column in ("epoch", "key")]
    await change(school, "journal", "UPDATE topics SET seq = 5")
    await school.accept()
    await school.prepare()
    after = [await value(school, "journal", f"SELECT {column} FROM journal") for column in ("epoch", "key")]
    assert not set(before) & set(after)
    assert await value(school, "accounts", "SELECT stored FROM pairing") == 5


async def test_accepted_accounts_reuse_no_id_of_the_journal(school: Databases) -> None:
    await change(school, "journal", "UPDATE events SET author_id = 57", TOPIC.format(name="class:12", seq=1))
    assert await school.accept() == (57, 12)
    await school.prepare()
    user, class_ = Account(login="bia", name="Bia", role="student"), SchoolClass(title="7º A")
    async with writing(school.sessions("accounts")) as db:
        db.add_all([user, class_])
    assert (user.id, class_.id) == (58, 13)


async def test_accepting_twice_keeps_the_ids(school: Databases) -> None:
    assert await school.accept() == await school.accept() == (1, 1)
    user = Account(login="bia", name="Bia", role="student")
    async with writing(school.sessions("accounts")) as db:
        db.add(user)
    assert user.id == 2
