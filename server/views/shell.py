"""What makes the pages an application: its icons and manifest, its service worker, and what is shown without a network.

The service worker keeps one page, `/offline`, with its files, and shows it in place of any page that cannot be reached.
It keeps nothing that is about anybody. Browsers run service workers on https and localhost only.
"""

from typing import Any

from tornado.escape import json_encode
from tornado.web import HTTPError

from server import locale
from server.views.base import Page
from server.views.static import VERSION, path_of

# An icon that has changed is seen a day later: its address cannot name its contents.
ICON_SECONDS = 24 * 3600
OFFLINE = "/offline"
BOARD, PAPER = "#1b302a", "#f3f1ea"
# What the page without a network loads.
FILES = ("style/offline_page.css", "offline_page.js", "logo.svg", "icons.svg")
ICONS = (("icon-192", "192x192", "any"), ("icon-512", "512x512", "any"), ("maskable-512", "512x512", "maskable"))


class Icon(Page):
    """An icon at the address where browsers look for it unasked."""

    public = True

    async def prepare(self) -> None:
        """Let everybody in, without looking who it is."""

    def get(self, name: str) -> None:
        """Answer with the icon."""
        icon = self.assets.find(path_of("icons/favicon.ico" if name == "favicon.ico" else "icons/touch-180.png"))
        if icon is None:
            raise HTTPError(404)
        self.set_header("Cache-Control", f"public, max-age={ICON_SECONDS}")
        self.set_header("Content-Type", icon.content_type)
        self.finish(icon.body)


class SchoolLogoPicture(Page):
    """The school's logo, at an address that names its version."""

    public = True

    async def prepare(self) -> None:
        """Let everybody in, without looking who it is."""

    async def get(self, version: str) -> None:
        """Answer with the picture."""
        picture = await self.accounts.logo.read(version)
        if picture is None:
            raise HTTPError(404)
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("Content-Type", "image/png")
        self.finish(picture)


class Manifest(Page):
    """The manifest of the installed application (W3C Web Application Manifest)."""

    public = True

    async def prepare(self) -> None:
        """Let everybody in, without looking who it is."""

    async def get(self) -> None:
        """Answer with the manifest; the application has the school's name."""
        school = await self.accounts.school_name()
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Type", "application/manifest+json")
        self.finish(json_encode(self._manifest(school)))

    def _manifest(self, school: str | None) -> dict[str, Any]:
        icons = [(self.assets.url(f"icons/{name}.png"), sizes, purpose) for name, sizes, purpose in ICONS]
        return {
            "id": "/",
            "name": f"{school} · Lousa" if school else "Lousa",
            "short_name": "Lousa",
            "lang": self.language.tag,
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": BOARD,
            "background_color": PAPER,
            "icons": [
                {"src": src, "sizes": sizes, "type": "image/png", "purpose": purpose} for src, sizes, purpose in icons
            ],
        }


class ServiceWorker(Page):
    """The service worker: the same file for everybody, which changes with each release."""

    public = True

    async def prepare(self) -> None:
        """Let everybody in, without looking who it is."""

    def get(self) -> None:
        """Answer with the worker, which begins with what it keeps."""
        source = self.assets.find(path_of("service_worker.js"))
        if source is None:
            raise HTTPError(404)
        shell = {"version": VERSION, "page": OFFLINE, "files": [self.assets.url(file) for file in FILES]}
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.finish(f"self.SHELL = {json_encode(shell)};\n".encode() + source.body)


class Offline(Page):
    """What is shown instead of a page that cannot be reached, in each language; its script shows the reader's."""

    public = True

    async def get(self) -> None:
        """Show the page."""
        texts = [(each, each.locale.translate) for each in locale.LANGUAGES.values()]
        await self.show("offline.html", texts=texts)


handlers = [
    (r"/(favicon\.ico|apple-touch-icon(?:-precomposed)?\.png)", Icon),
    (r"/manifest\.webmanifest", Manifest),
    (r"/logo/([0-9a-f]{16})\.png", SchoolLogoPicture),
    (r"/service_worker\.js", ServiceWorker),
    (OFFLINE, Offline),
]
