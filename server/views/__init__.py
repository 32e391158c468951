"""All pages: each kind of user has a package here, and a line below."""

from pathlib import Path
from types import ModuleType
from typing import Any

from server.auth import Accounts
from server.views import accounts as accounts_views
from server.views import principal, students, teachers
from server.views.base import ROOT, Missing, Static

PACKAGES: list[ModuleType] = [accounts_views, students, teachers, principal]

Route = tuple[str, type, dict[str, Any]]


def handlers(accounts: Accounts) -> list[Route]:
    """Return the routes of all pages and of what their packages serve as static files."""
    pages = [(url, page, {"accounts": accounts}) for package in PACKAGES for url, page in package.handlers]
    return [*_statics(), *pages]


def _statics() -> list[Route]:
    """Each package's `static` folder, at `/<package>/static/`."""
    routes: list[Route] = []
    for package in PACKAGES:
        folder = Path(package.__path__[0])
        if (folder / "static").is_dir():
            routes.append((rf"/{folder.name}/static/(.*)", Static, {"path": str(folder / "static")}))
    return routes


def application_settings(accounts: Accounts) -> dict[str, Any]:
    """Return the settings of a Tornado application that pages rely on."""
    return {
        "static_path": str(ROOT / "static"),
        "static_handler_class": Static,
        "default_handler_class": Missing,
        "default_handler_args": {"accounts": accounts},
        "xsrf_cookies": True,
        "xsrf_cookie_kwargs": {"samesite": "Lax", "httponly": True},
    }
