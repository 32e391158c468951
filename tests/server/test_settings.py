from pathlib import Path

import pytest

from server.databases import SCHEMAS
from server.settings import DATABASE_NAMES, Settings, SettingsError, database_urls


def test_databases_are_files_in_the_data_folder_unless_said_otherwise() -> None:
    assert database_urls(Path("/srv/lousa"), ["journal=postgresql://db/journal"]) == {
        "accounts": "sqlite:////srv/lousa/accounts.sqlite3",
        "journal": "postgresql://db/journal",
    }


def test_every_declared_database_can_be_given() -> None:
    assert set(DATABASE_NAMES) == set(SCHEMAS)


@pytest.mark.parametrize("text", ["postgresql://db/journal", "grades=sqlite:///x", "=x"])
def test_a_database_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="one of accounts, journal"):
        database_urls(Path("data"), [text])


def test_settings_can_be_logged_without_passwords() -> None:
    settings = Settings(Path("data"), {"journal": "postgresql://u:secret@db/x"}, redis_url="redis://:secret@host")
    assert "secret" not in repr(settings)
