"""Where the roster is pulled from, and when: as the server's options say, or as the office has set it.

The secret is written by the office and never shown again. It goes to the hosts that it was given for, and to no other:
who changes where the roster comes from gives it anew.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.refusals import UserError
from server.databases.imports import RosterProvider
from server.rosters.provider import KINDS, Access, host

# As in the options of browsers and servers for an address; no key or token of a provider is longer.
MAX_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Pulling:
    """Where the roster is pulled from, and when each day; None: only when somebody asks for it."""

    access: Access
    at: time | None = None

    @property
    def name(self) -> str:
        """Where from, without anything secret."""
        return host(self.access.url)


async def read_pulling(db: AsyncSession) -> Pulling | None:
    """Return what the office has set; None where it has set nothing."""
    row = await db.scalar(select(RosterProvider))
    if row is None:
        return None
    return Pulling(Access(row.url, row.kind, row.key, row.secret, row.token_url), read_hour(row.hour))


async def write_pulling(db: AsyncSession, wanted: Pulling | None) -> None:
    """Set it; None: the roster is pulled from nowhere."""
    await db.execute(delete(RosterProvider))
    if wanted is not None:
        access, hour = wanted.access, wanted.at.strftime("%H:%M") if wanted.at else ""
        values = {name: getattr(access, name) for name in ("url", "kind", "key", "secret", "token_url")}
        await db.execute(insert(RosterProvider).values(id=1, **values, hour=hour))


def read_hour(text: str) -> time | None:
    """Return a time of the school's day, None for an empty text; raises UserError."""
    try:
        return datetime.strptime(text, "%H:%M").time() if text else None  # noqa: DTZ007 — a time of the school's day
    except ValueError:
        raise UserError(f"{text!r} is no time of day such as 03:30.", "hour") from None


def is_encrypted(url: str) -> bool:
    """Tell whether nobody on the way reads what is asked of an address: the names of children, and the secret."""
    return urlsplit(url).scheme == "https" or host(url) in ("localhost", "127.0.0.1")


def checked(wanted: Access, before: Access | None) -> Access:
    """Return how to ask a provider, with the secret of before where none is given; raises UserError."""
    if any(len(each) > MAX_CHARACTERS for each in (wanted.url, wanted.key, wanted.secret, wanted.token_url)):
        raise UserError(f"At most {MAX_CHARACTERS} characters.", "long")
    if wanted.kind not in KINDS:
        raise UserError(f"There is no kind {wanted.kind!r}: {', '.join(KINDS)}.", "kind")
    if not _is_address(wanted.url):
        raise UserError("This is no https:// address.", "url")
    if wanted.kind == "oauth2" and not _is_address(wanted.token_url):
        raise UserError("The address for tokens is no https:// address.", "token-url")
    if wanted.kind != "bearer" and not wanted.key:
        raise UserError("The key is missing.", "key")
    if not wanted.secret and before is not None and _places(wanted) == _places(before):
        return replace(wanted, secret=before.secret)
    if not wanted.secret:
        raise UserError("The secret is missing.", "secret")
    return wanted


def _is_address(url: str) -> bool:
    try:
        return bool(host(url)) and is_encrypted(url) and urlsplit(url).port != 0
    except ValueError:
        return False


def _places(access: Access) -> tuple[str, ...]:
    """Return what a secret was given for: the kind, and the servers that it is shown to."""
    return access.kind, *(urlsplit(each)[1] for each in (access.url, access.token_url))
