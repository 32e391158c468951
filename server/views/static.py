"""The pages' static files, under addresses that name their contents.

    /v0123456789ab/static/class_page.js      kept by browsers without end: another release has another address
    /static/class_page.js                    the same file, asked for anew each time

Scripts import each other by relative addresses. The version comes first, so that it goes on through all imports, also
from a package's statics to the shared ones: a browser never mixes two releases, and asks for each file once.

The scripts and sheets that templates name are served joined with what they import, and minified (bundle.py), everything
compressed. A joined script has its texts in one language, which its address names:

    /v0123456789ab/pt_BR/static/class_page.js

For work on them, `--unbundled` serves each file as it is, read anew for every request.
"""

import asyncio
import hashlib
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from gzip import compress as gzip
from pathlib import Path

import brotli
from tornado.escape import xhtml_escape
from tornado.web import HTTPError, RequestHandler

from server import locale
from server.compression import MIN_BYTES, choose, is_text
from server.views import bundle
from server.views import shorten as shortening
from server.views.bundle import Bundle, join_sheet
from server.views.shorten import shorten

ROOT = Path(__file__).parents[2]
VIEWS = Path(__file__).parent
KEPT_SECONDS = 365 * 24 * 3600

# Where the modules that several pages use are served.
COMMON = "/static/common.js"
# Each file once, as small as it gets: all of Lousa's take 0.2 s, and are 12 % smaller than at the usual levels.
_ENCODERS = {
    "br": partial(brotli.compress, mode=brotli.MODE_TEXT, quality=11),
    "gzip": partial(gzip, compresslevel=9, mtime=0),
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".ico": "image/x-icon"}
_NAMED = re.compile(r"\b(?:script|sheet)\('([^']+)'(?:, '(\w+)')?\)")


def version_of(folders: Iterable[Path]) -> str:
    """Return a name for the contents of all files in these folders, their translations, and how they are joined."""
    digest = hashlib.sha256(Path(bundle.__file__).read_bytes() + Path(shortening.__file__).read_bytes())
    for language in locale.LANGUAGES.values():
        digest.update(language.script)
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return "v" + digest.hexdigest()[:12]


FOLDERS = {"": ROOT / "static", **{f"/{folder.parent.name}": folder for folder in sorted(VIEWS.glob("*/static"))}}
VERSION = version_of(FOLDERS.values())


def path_of(path: str, package: str = "") -> str:
    """Return the path of a shared static file, or of one of a package of views, in addresses without a version."""
    return f"/{package}/static/{path}" if package else f"/static/{path}"


def static_url(path: str, package: str = "") -> str:
    """Return the address of a shared static file, or of one of a package of views."""
    return f"/{VERSION}{path_of(path, package)}"


class Asset:
    """One file: its contents, and for each encoding the compressed ones, made when they are first asked for."""

    def __init__(self, name: str, body: bytes) -> None:
        suffix = Path(name).suffix
        found = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.is_text = is_text(found)
        self.content_type = f"{found}; charset=utf-8" if self.is_text else found
        self.body = body
        self.tag = hashlib.sha256(body).hexdigest()[:16]
        self._encoded: dict[str, Future[bytes]] = {}

    def encoded(self, encoding: str) -> Future[bytes]:
        """Return the contents in an encoding; they are made once, in a thread, for all who ask meanwhile."""
        if encoding not in self._encoded:
            self._encoded[encoding] = _compressing().submit(_ENCODERS[encoding], self.body)
        return self._encoded[encoding]

    def encode_all(self) -> None:
        """Make the contents in every encoding now, in this thread."""
        for encoding, encode in _ENCODERS.items():
            self._encoded[encoding] = Future()
            self._encoded[encoding].set_result(encode(self.body))


@cache
def _compressing() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "compression")


class Assets:
    """What browsers get of the static files: joined (`is_bundled`), or each as it is and as it is now."""

    def __init__(self, *, is_bundled: bool = True) -> None:
        self.is_bundled = is_bundled
        self._needed: Mapping[str, Sequence[str]] = {}
        self._joined = self._join() if is_bundled else {}

    def find(self, path: str) -> Asset | None:
        """Return a file by its path; None if there is none."""
        if self.is_bundled:
            return self._joined.get(path)
        file = _files().get(path)
        return None if file is None else Asset(path, file.read_bytes())

    def encode_all(self) -> None:
        """Compress all files now, for processes that are forked from this one."""
        for asset in self._joined.values():
            if asset.is_text and len(asset.body) >= MIN_BYTES:
                asset.encode_all()

    def url(self, path: str, package: str = "") -> str:
        """Return a file's address, with the version where the file stays as it is."""
        return static_url(path, package) if self.is_bundled else path_of(path, package)

    def script(self, path: str, package: str = "", language: str = locale.SOURCE) -> str:
        """Return the markup that loads a page's script, and from the beginning all that it needs at once."""
        found = path_of(path, package)
        if self.is_bundled:
            translated = f"{_prefix(language)}{found}"
            begin = f"/{VERSION}{translated.removesuffix(found) if translated in self._joined else ''}"
            needed = self._needed[found]
        else:
            begin, needed = "", _bundle([found]).reached(found)[:-1]
        preloads = [f'<link rel="modulepreload" href="{xhtml_escape(begin + each)}">' for each in needed]
        return "\n".join([*preloads, f'<script type="module" src="{begin}{found}"></script>'])

    def _join(self) -> dict[str, Asset]:
        named = _named_by_templates()
        scripts = _bundle([path for path in named if path.endswith(".js")])
        self._needed = {path: scripts.needed(path) for path in scripts.scripts}
        # A page's script that needs no other has no texts either: it is the same in all languages.
        alone = {path for path in named if path.endswith(".js") and not scripts.needed(path)}
        joined = {
            f"{_prefix(code)}{path}": text
            for code, language in locale.LANGUAGES.items()
            for path, text in scripts.files(language.texts)
            if code == locale.SOURCE or path not in alone
        }
        texts = shorten(joined) | {path: join_sheet(path, _read) for path in named if path.endswith(".css")}
        # The other modules stay as they are, for who imports the client by its documented addresses.
        files = {path: Asset(path, file.read_bytes()) for path, file in _files().items()}
        return files | {path: Asset(path, text.encode()) for path, text in texts.items()}


def _prefix(code: str) -> str:
    return "" if code == locale.SOURCE else f"/{code}"


def _files() -> Mapping[str, Path]:
    return {
        f"{prefix}/static/{file.relative_to(folder).as_posix()}": file
        for prefix, folder in FOLDERS.items()
        for file in folder.rglob("*")
        if file.is_file()
    }


def _read(path: str) -> str:
    prefix, _, rest = path.partition("/static/")
    return (FOLDERS[prefix] / rest).read_text()


def _bundle(scripts: Iterable[str]) -> Bundle:
    return Bundle(scripts, _read, COMMON)


def _named_by_templates() -> list[str]:
    templates = sorted([*ROOT.glob("templates/*.html"), *VIEWS.glob("*/templates/*.html")])
    found = [path_of(*names) for file in templates for names in _NAMED.findall(file.read_text())]
    return sorted(set(found))


@cache
def bundled() -> Assets:
    """Return the joined files of this process; its workers share them."""
    return Assets()


class Static(RequestHandler):
    """One static file."""

    def initialize(self, assets: Assets) -> None:
        """Take the files."""
        self._assets = assets
        self._tag = ""

    async def get(self, version: str | None, path: str) -> None:
        """Answer with the file, in the encoding that the browser prefers; parts of files are not served."""
        asset = self._assets.find(path)
        if asset is None:
            raise HTTPError(404)
        is_current = version == f"/{VERSION}" and self._assets.is_bundled
        self.set_header("Cache-Control", f"public, max-age={KEPT_SECONDS}, immutable" if is_current else "no-cache")
        self.set_header("Content-Type", asset.content_type)
        await self._answer(asset)

    head = get

    async def _answer(self, asset: Asset) -> None:
        encoding = self._encoding(asset)
        self._tag = f'"{asset.tag}-{encoding}"' if encoding else f'"{asset.tag}"'
        if encoding is None:
            self.finish(asset.body)
            return
        self.set_header("Content-Encoding", encoding)
        body: bytes = await asyncio.wrap_future(asset.encoded(encoding))
        self.finish(body)

    def _encoding(self, asset: Asset) -> str | None:
        if not asset.is_text:
            return None
        self.set_header("Vary", "Accept-Encoding")
        accepted = self.request.headers.get("Accept-Encoding", "")
        return choose(accepted, tuple(_ENCODERS)) if len(asset.body) >= MIN_BYTES else None

    def compute_etag(self) -> str | None:
        """Return the tag of the file in this encoding; Tornado compares it with the browser's."""
        return self._tag or None


def handlers(assets: Assets) -> list[tuple[str, type, dict[str, Assets]]]:
    """Return the route of all static files.

    An older version's address answers too: a page that was open over an upgrade still finds its files.
    """
    return [(r"(/v[0-9a-f]{12})?((?:/\w+){0,2}/static/.*)", Static, {"assets": assets})]
