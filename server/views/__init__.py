"""All pages: each role has a package here, and a line in `PACKAGES`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from channels.journal.journal import Journal
from server.accounts.accounts import Accounts
from server.accounts.school_sign_in import SchoolSignIn
from server.asyncapi import TABLES, Tables
from server.audit.audit import Audit
from server.compression import Compressed
from server.databases import Databases
from server.headers import StrictHeaders
from server.oidc.client import Providers
from server.process.health import Health
from server.rosters.uploads import ROSTERS, Uploads
from server.views import accounts as accounts_views
from server.views import administrators, docs, formulas, principal, search, shell, static, students, teachers
from server.views import audit as audit_views
from server.views.base import Missing, ReadTopic, Slash
from server.views.static import Assets

PACKAGES: tuple[ModuleType, ...] = (
    accounts_views,
    students,
    teachers,
    principal,
    administrators,
    audit_views,
    search,
    formulas,
    docs,
)

Route = tuple[str, type, dict[str, Any]]


def handlers(
    accounts: Accounts,
    tables: Tables = TABLES,
    packages: Sequence[ModuleType] = PACKAGES,
    assets: Assets | None = None,
) -> list[Route]:
    """Return the routes of all pages and their static files."""
    given = {"accounts": accounts, "tables": tables}
    pages = [(url, page, given) for package in packages for url, page in package.handlers]
    slashes = [(role.home.removesuffix("/"), Slash, given) for role in tables.roles]
    app = [(url, page, given) for url, page in shell.handlers]
    return [*app, *static.handlers(assets or static.bundled()), *pages, *slashes]


def application_settings(
    accounts: Accounts,
    databases: Databases,
    tables: Tables = TABLES,
    assets: Assets | None = None,
    read_topic: ReadTopic | None = None,
    journal: Journal | None = None,
    audit: Audit | None = None,
    providers: Providers | None = None,
    uploads: Uploads | None = None,
    health: Health | None = None,
    count_workers: Callable[[], int] = lambda: 1,
) -> dict[str, Any]:
    """Return the settings of a Tornado application that pages rely on.

    `read_topic` gives pages the first events of a topic; without it they wait for the socket. `journal` is read by the
    pages that show what is kept there. `providers` are those through which users sign in.
    `health` and `count_workers` are what the school's office sees of the server.
    """
    return {
        "default_handler_class": Missing,
        "default_handler_args": {"accounts": accounts, "tables": tables},
        "databases": databases,
        "assets": assets or static.bundled(),
        "read_topic": read_topic,
        "journal": journal,
        "audit": audit or Audit(databases),
        "health": health,
        "count_workers": count_workers,
        "providers": providers or Providers(),
        "school_sign_in": SchoolSignIn(accounts, databases.sessions("accounts")),
        "uploads": uploads or Uploads(databases, Path("data") / ROSTERS),
        "transforms": [StrictHeaders, Compressed],
        "xsrf_cookies": True,
        "xsrf_cookie_kwargs": {"samesite": "Lax", "httponly": True},
    }
