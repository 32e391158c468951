"""Somebody who is erased is in no kind of event, no table, no file, no dump and no later backup."""

import subprocess
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from channels.lesson.erasing import WAYS, Way
from server.backups.backup import make_backup
from server.databases import Databases, writing
from server.settings import Settings
from tests.server.records.conftest import bytes_of
from tests.server.records.everywhere import LOGIN, NAME, WORD, plant_events, plant_tables
from tests.server.records.test_erase import erased

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]


async def places_of(databases: Databases, *words: str) -> set[str]:
    """Return the columns of all databases in which a row has one of these words."""
    found = set()
    for name in databases.names:
        async with databases.engine(name).connect() as connection:
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if connection.dialect.name == "postgresql":
                tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            for (table,) in (await connection.execute(text(tables))).all():
                for row in (await connection.execute(text(f'SELECT * FROM "{table}"'))).mappings():
                    found |= {f"{table}.{column}" for column, value in row.items() if _has(value, words)}
    return found


def _has(value: object, words: tuple[str, ...]) -> bool:
    said = value if isinstance(value, bytes) else str(value).encode()
    return any(word.lower().encode() in said.lower() for word in words)


async def contents_of_backup(urls: dict[str, str], folder: Path) -> bytes:
    """Make a backup, and return all that is in it; of a dump of PostgreSQL, the SQL that it stands for."""
    await make_backup(Settings(data_dir=folder.parent, databases=urls), folder)
    contents = b"".join(bytes_of(folder).values())
    for dump in folder.glob("*.pgdump"):
        contents += subprocess.run(["pg_restore", "--file=-", dump], capture_output=True, check=True).stdout
    return contents


@pytest.mark.parametrize("made_urls", KINDS, indirect=True)
@pytest.mark.parametrize("way", WAYS)
async def test_erased_person_is_in_no_event_table_file_or_backup(
    databases: Databases, school: int, made_urls: dict[str, str], way: str, tmp_path: Path
) -> None:
    async with writing(databases.sessions("accounts")) as db:
        await db.execute(text("DELETE FROM enrolments"))
    await plant_events(databases)
    planted = await plant_tables(databases)
    assert await places_of(databases, NAME, LOGIN) >= planted
    await databases.prepare()

    await erased(databases, way=cast(Way, way))

    gone = (NAME, LOGIN, *((WORD,) if way == "remove" else ()))
    assert await places_of(databases, *gone) == set()
    async with databases.engine("journal").connect() as connection:
        # What tells clients that somebody was erased has the number, and no words.
        said = text("SELECT payload FROM events WHERE event != 'person:erased'")
        kept = (await connection.execute(said)).scalars().all()
        authors = set((await connection.execute(text("SELECT author_id FROM events"))).scalars())
    assert (WORD in "".join(kept)) is (way != "remove")
    assert (1 in authors) is (way != "unlink")
    assert any('"id":1,' in payload or '"user":1' in payload for payload in kept) is (way != "unlink")
    backup = await contents_of_backup(made_urls, tmp_path / "backup")
    for name, content in {**bytes_of(tmp_path), "backup": backup}.items():
        assert not [each for each in gone if each.encode() in content], name
