"""Legal holds are set, listed and lifted, and each of it is recorded."""

import pytest
from sqlalchemy import select

from server.accounts.refusals import UserError
from server.databases import Databases, reading
from server.databases.audit import AuditRecord
from server.records.hold import Holds

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


async def test_holds_are_listed_by_name_until_they_are_lifted(databases: Databases, school: int) -> None:
    holds = Holds(databases)
    first = await holds.on_person("ana", "Processo 12", by=4)
    await holds.on_class("6º a · matemática", "Processo 13", by=None)
    assert [(each.name, each.reason) for each in await holds.all()] == [
        ("Ana", "Processo 12"),
        ("6º A · Matemática", "Processo 13"),
    ]
    await holds.lift(first, by=4)
    assert [each.name for each in await holds.all()] == ["6º A · Matemática"]
    async with reading(databases.sessions("audit")) as db:
        records = (await db.scalars(select(AuditRecord).order_by(AuditRecord.id))).all()
    assert [(each.kind, each.subject_id, each.topic) for each in records] == [
        ("hold:set", 1, None),
        ("hold:set", None, f"class:{school}"),
        ("hold:lifted", 1, None),
    ]
    assert "Processo" not in "".join(each.detail for each in records)


async def test_hold_on_nobody_is_refused(databases: Databases, school: int) -> None:
    with pytest.raises(UserError, match="no user"):
        await Holds(databases).on_person("ninguem", "", None)
    with pytest.raises(UserError, match="no class"):
        await Holds(databases).on_class("7º B", "", None)
