"""An audit log that is an older copy is refused, and so is a journal that is older than the log beside it."""

import pytest
from sqlalchemy import text

from server.databases import Databases, reading, writing
from server.databases.accounts import SchoolClass
from server.databases.audit import Record, add_records
from server.databases.errors import DatabasesApart

TOPIC = "INSERT INTO topics (id, name, seq, moved) VALUES (1, 'class:1', 7, 1)"


@pytest.fixture
async def school(databases: Databases) -> Databases:
    """Return databases of a school with a topic of 7 events, after their first start."""
    async with writing(databases.sessions("accounts")) as db:
        db.add(SchoolClass(title="6º A"))
    await change(databases, "journal", TOPIC)
    await databases.prepare()
    return databases


async def change(databases: Databases, name: str, statement: str) -> None:
    async with writing(databases.sessions(name)) as db:
        await db.execute(text(statement))


async def epoch(databases: Databases) -> str:
    async with reading(databases.sessions("journal")) as db:
        return str(await db.scalar(text("SELECT epoch FROM journal")))


async def audit(databases: Databases, key: str) -> None:
    async with writing(databases.sessions("audit")) as db:
        await add_records(db, [Record(key, 1_800_000_000_000, "message:hidden")])


async def test_log_that_lost_records_is_refused_until_accepted(school: Databases) -> None:
    for key in ("a", "b"):
        await audit(school, key)
    await school.record_audit()
    await school.prepare()
    await change(school, "accounts", "UPDATE pairing SET audited = audited + 1")
    with pytest.raises(DatabasesApart, match=r"the audit log had 3 records and has 2: .*database accept"):
        await school.prepare()
    await school.accept()
    await school.prepare()


async def test_journal_older_than_its_log_is_refused_until_accepted(school: Databases) -> None:
    await audit(school, f"{await epoch(school)}:1:7")
    await school.prepare()
    await audit(school, f"{await epoch(school)}:1:8")
    with pytest.raises(DatabasesApart, match="an event at 8 of a topic that ends at 7 in the journal"):
        await school.prepare()
    await school.accept()
    await school.prepare()


async def test_records_of_a_former_journal_and_of_no_event_do_not_count(school: Databases) -> None:
    for key in ("another:1:99", "0123abcd", "message:original:3:class:1:99"):
        await audit(school, key)
    await school.prepare()


async def test_deleted_records_are_no_sign_of_an_older_log(school: Databases) -> None:
    await audit(school, "a")
    await school.record_audit()
    await change(school, "audit", "DELETE FROM records")
    await school.prepare()
