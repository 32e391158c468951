"""The pages' static files, under addresses that name their contents.

    /v0123456789ab/static/page.js      kept by browsers without end: another release has another address
    /static/page.js                    the same file, asked for anew each time

Scripts import each other by relative addresses. The version comes first, so that it goes on through all imports, also
from a package's statics to the shared ones: a browser never mixes two releases, and asks for each file once.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from tornado.web import HTTPError, StaticFileHandler

ROOT = Path(__file__).parents[2]
VIEWS = Path(__file__).parent
KEPT_SECONDS = 365 * 24 * 3600


def version_of(folders: Iterable[Path]) -> str:
    """Return a name for the contents of all files in these folders."""
    digest = hashlib.sha256()
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return "v" + digest.hexdigest()[:12]


FOLDERS = {"": ROOT / "static", **{f"/{folder.parent.name}": folder for folder in sorted(VIEWS.glob("*/static"))}}
VERSION = version_of(FOLDERS.values())


class Static(StaticFileHandler):
    """One static file."""

    def parse_url_path(self, url_path: str) -> str:
        """Return a path that can be one: no file has a NUL in its name, and asking for it would raise ValueError."""
        if "\0" in url_path:
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def set_extra_headers(self, path: str) -> None:
        """Say how long the file may be kept."""
        current = self.request.path.startswith(f"/{VERSION}/")
        self.set_header("Cache-Control", f"public, max-age={KEPT_SECONDS}, immutable" if current else "no-cache")


# An older version's address answers too: a page that was open over an upgrade still finds its files.
handlers = [
    (rf"(?:/v[0-9a-f]{{12}})?{prefix}/static/(.*)", Static, {"path": str(folder)}) for prefix, folder in FOLDERS.items()
]


def static_url(path: str, package: str = "") -> str:
    """Return the address of a shared static file, or of one of a package of views."""
    return f"/{VERSION}/{package}/static/{path}" if package else f"/{VERSION}/static/{path}"
