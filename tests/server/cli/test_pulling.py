"""The options that say where the roster is pulled from."""

from datetime import time

import pytest

from server.cli.pulling import read_pulling
from server.settings import SettingsError

URL, TOKENS = "https://sis.example/ims/oneroster/v1p1", "https://sis.example/token"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret."""
    monkeypatch.setenv("LOUSA_ROSTER_SECRET", "s3cret")


def test_server_without_a_provider_pulls_nothing() -> None:
    assert read_pulling(None, None, "", "", "03:30") is None


def test_options_name_the_provider_and_the_hour() -> None:
    pulling = read_pulling(URL, "oauth2", "client", TOKENS, " 03:30")
    assert pulling is not None
    assert (pulling.name, pulling.at, pulling.access.secret) == ("sis.example", time(3, 30), "s3cret")
    assert "s3cret" not in repr(pulling)
    by_hand = read_pulling(URL, "bearer", "", "", None)
    assert by_hand is not None
    assert by_hand.at is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((URL, None, "", "", None), "--roster-auth"),
        ((URL, "bearer", "", "", "25:00"), "no time of day"),
        (("http://sis.example", "bearer", "", "", None), "no https:// address"),
        ((URL, "oauth2", "client", "", None), "no https:// address"),
    ],
)
def test_option_that_cannot_be_is_refused(given: tuple[str, str | None, str, str, str | None], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_pulling(*given)


def test_secret_comes_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOUSA_ROSTER_SECRET")
    with pytest.raises(SettingsError, match="LOUSA_ROSTER_SECRET"):
        read_pulling(URL, "bearer", "", "", None)
