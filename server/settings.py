"""The settings of a server: one value, made from the command line and the environment, passed to the parts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import URL

from server.databases import SCHEMAS
from server.oidc.provider import SchoolSettings
from server.process.proxies import Network, read_networks
from server.rosters.pulling import Pulling

_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_536
# Characters of the token for /metrics: more than can be guessed, however they were chosen.
MIN_TOKEN = 16
# Browsers write names with other letters as xn--….
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


class SettingsError(Exception):
    """A setting is invalid; the message says which one, and what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server. `push_rate` is pushes a second per user, 0 for no limit.

    `max_outbox_kib` is how much may wait for a connection that reads slowly.
    `drain_seconds` is how long a worker that stops may take to close its connections.

    Pages of `allowed_origins` (`https://school.example`) may open sockets, beside the server's own pages.
    `unbundled` serves each script and style sheet as it is in its folder, for work on them.
    `behind_proxy` names the proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted.
    `metrics_address` is where /metrics is served to everybody, `metrics_token` opens it among the pages.
    `school` has the providers through which users sign in; `pulling` says where the roster comes from, and when.
    """

    data_dir: Path
    databases: Mapping[str, str] = field(repr=False)  # may hold passwords
    host: str = "127.0.0.1"
    port: int = 8888
    workers: int = 1
    redis_urls: tuple[str, ...] = field(default=(), repr=False)
    drain_seconds: float = 10.0
    push_rate: float = 10.0
    max_outbox_kib: int = 1024
    allowed_origins: tuple[str, ...] = ()
    unbundled: bool = False
    behind_proxy: tuple[Network, ...] = ()
    school: SchoolSettings = field(default_factory=SchoolSettings)
    pulling: Pulling | None = None
    metrics_address: str | None = None
    metrics_token: str | None = field(default=None, repr=False)


def read_origin(text: str, option: str = "--allowed-origin") -> str:
    """Return an origin as browsers write it (RFC 6454, section 6.2); raise SettingsError for anything else."""
    given = text.strip().removesuffix("/").lower()
    try:
        url = urlsplit(given)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    plain = f"{url.scheme}://{host}" if port in (None, _PORTS.get(url.scheme)) else f"{url.scheme}://{host}:{port}"
    # Nothing but scheme, host and port.
    if url.scheme not in _PORTS or not _HOST.fullmatch(host or "") or given not in (plain, f"{plain}:{port}"):
        raise SettingsError(f"{option} {text} is not an origin such as https://portal.school.example.")
    return plain


def read_address(text: str, option: str = "--metrics-address") -> tuple[str, int]:
    """Return host and port of an address such as 127.0.0.1:9109 or [::1]:9109; raise SettingsError for others."""
    host, _, port = text.strip().rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < MAX_PORT:
        raise SettingsError(f"{option} {text} is not an address such as 127.0.0.1:9109: it needs a host and a port.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def check_token(text: str, option: str = "--metrics-token") -> None:
    """Raise SettingsError for a token that could be guessed."""
    if len(text) < MIN_TOKEN or not (text.isascii() and text.isprintable()) or " " in text:
        raise SettingsError(f"{option} needs at least {MIN_TOKEN} characters, as “openssl rand -hex 16” makes them.")


def read_proxies(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of proxies, of texts that may hold several; raise SettingsError for anything else."""
    try:
        return read_networks(each for text in texts for each in text.replace(",", " ").split())
    except ValueError as error:
        raise SettingsError(
            f"--behind-proxy {error} is not an address or a network such as 192.0.2.7 or 10.0.0.0/8: name the proxies "
            "that stand before Lousa. Those of this machine are 127.0.0.1 and ::1."
        ) from error


def database_urls(data_dir: Path, given: Iterable[str] = (), names: Iterable[str] = SCHEMAS) -> dict[str, str]:
    """Read `name=URL` for each of `given`; the others are SQLite files in `data_dir`. Raise SettingsError."""
    urls = {name: _file_url(data_dir / f"{name}.sqlite3") for name in names}
    for text in given:
        name, equals, url = text.partition("=")
        if not equals or name not in urls:
            raise SettingsError(f"A database is given as name=URL, the name one of {', '.join(urls)}.")
        urls[name] = url
    return urls


def _file_url(path: Path) -> str:
    # SQLAlchemy escapes the characters that mean something in a URL.
    return URL.create("sqlite", database=str(path)).render_as_string()
