"""All pages: each kind of user has a package here, and a line below."""

from types import ModuleType
from typing import Any

from server.accounts.accounts import Accounts
from server.databases import Databases
from server.headers import StrictHeaders
from server.views import accounts as accounts_views
from server.views import docs, principal, static, students, teachers
from server.views.base import HOMES, Missing, Slash

PACKAGES: list[ModuleType] = [accounts_views, students, teachers, principal, docs]

Route = tuple[str, type, dict[str, Any]]


def handlers(accounts: Accounts) -> list[Route]:
    """Return the routes of all pages and their static files."""
    pages = [(url, page, {"accounts": accounts}) for package in PACKAGES for url, page in package.handlers]
    slashes = [(home.removesuffix("/"), Slash, {"accounts": accounts}) for home in HOMES.values()]
    return [*static.handlers, *pages, *slashes]


def application_settings(accounts: Accounts, databases: Databases) -> dict[str, Any]:
    """Return the settings of a Tornado application that pages rely on."""
    return {
        "default_handler_class": Missing,
        "default_handler_args": {"accounts": accounts},
        "databases": databases,
        "transforms": [StrictHeaders],
        "xsrf_cookies": True,
        "xsrf_cookie_kwargs": {"samesite": "Lax", "httponly": True},
    }
