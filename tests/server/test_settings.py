from pathlib import Path

import pytest
from sqlalchemy import make_url

from server.databases import SCHEMAS
from server.settings import (
    Settings,
    SettingsError,
    check_token,
    database_urls,
    read_address,
    read_origin,
    read_proxies,
)


def test_databases_are_files_in_the_data_folder_by_default() -> None:
    assert database_urls(Path("/srv/lousa"), ["journal=postgresql://db/journal"]) == {
        "accounts": "sqlite:////srv/lousa/accounts.sqlite3",
        "journal": "postgresql://db/journal",
        "audit": "sqlite:////srv/lousa/audit.sqlite3",
    }


@pytest.mark.parametrize("folder", ["a?b", "50%41", "x#y", "mode=ro&uri=true", "a b'ção", "file:a"])
def test_folder_of_any_name_keeps_its_databases(folder: str) -> None:
    url = make_url(database_urls(Path("/srv") / folder)["accounts"])
    assert (url.database, url.query) == (f"/srv/{folder}/accounts.sqlite3", {})


def test_every_declared_database_has_its_own_file() -> None:
    assert {name: Path(url).stem for name, url in database_urls(Path("data")).items()} == {
        name: name for name in SCHEMAS
    }


@pytest.mark.parametrize("text", ["postgresql://db/journal", "grades=sqlite:///x", "=x"])
def test_unknown_database_name_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="one of accounts, journal"):
        database_urls(Path("data"), [text])


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://portal.school.example", "https://portal.school.example"),
        ("https://Portal.School.example/", "https://portal.school.example"),
        ("http://portal:8080", "http://portal:8080"),
        ("https://portal:443", "https://portal"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_origin_is_normalised_as_browsers_send_it(text: str, origin: str) -> None:
    assert read_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "portal.school.example",
        "portal:8080",
        "//portal",
        "https://",
        "https:///",
        "https://portal//",
        "https://portal/page",
        "https://portal?a=b",
        "https://portal?",
        "https://portal#a",
        "https://user@portal",
        "https://portal:port",
        "https://portal:99999",
        "https://portal:",
        "https://[portal",
        "https://por tal",
        "https://escola.família.example",
        "ws://portal",
    ],
)
def test_invalid_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not an origin such as"):
        read_origin(text)


def test_settings_can_be_logged_without_passwords() -> None:
    settings = Settings(Path("data"), {"journal": "postgresql://u:secret@db/x"}, redis_urls=("redis://:secret@host",))
    assert "secret" not in repr(settings)


def test_proxies_are_separated_by_commas_or_blanks() -> None:
    found = read_proxies(["127.0.0.1,::1", "10.0.0.0/8 192.0.2.7"])
    assert list(map(str, found)) == ["127.0.0.1/32", "::1/128", "10.0.0.0/8", "192.0.2.7/32"]


@pytest.mark.parametrize("text", ["1", "proxy.example", "10.0.0.1/8"])
def test_proxy_that_is_no_address_is_explained(text: str) -> None:
    with pytest.raises(SettingsError, match=f"^--behind-proxy {text} is not an address or a network such as"):
        read_proxies([text])


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9109", ("127.0.0.1", 9109)), ("[::1]:9109", ("::1", 9109)), ("host:1", ("host", 1))],
)
def test_address_for_metrics_has_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["9109", ":9109", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "a:²"])
def test_other_address_for_metrics_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="needs a host and a port"):
        read_address(text)


@pytest.mark.parametrize("text", ["", "secret", "with blanks in between", "não é ASCII, mas longo"])
def test_token_that_can_be_guessed_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="at least 16 characters"):
        check_token(text)
