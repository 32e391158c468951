"""pg_dump is found by the version of the server, and its failures are said in words."""

import pytest
from sqlalchemy.engine import make_url

from server.backups.errors import BackupError
from server.backups.postgresql import call, program


def test_program_of_another_version_is_refused_in_words() -> None:
    with pytest.raises(BackupError, match=r"pg_dump of PostgreSQL 99, .* postgresql-client-99"):
        program("pg_dump", 99)


def test_failure_of_the_program_is_said() -> None:
    url = make_url("postgresql+asyncpg://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(BackupError, match=r"“journal” cannot be copied: .*refused") as caught:
        call("journal", ["psql"], url, ["--command", "SELECT 1"])
    assert "secret" not in str(caught.value)
