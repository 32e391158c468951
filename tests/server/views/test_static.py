import gzip
import posixpath
import re
from pathlib import Path

import brotli
import pytest

from server.locale.update import ROOT, script_files
from server.views.static import FOLDERS, VERSION, Asset, Assets, bundled, static_url, version_of
from tests.server.views.visitor import Visitor

IMPORT = re.compile(r"""^(?:import|export) [^;=(]*? from "([^"]+)"|^import "([^"]+)";""", re.MULTILINE)
TEMPLATE_FILE = re.compile(r"\b(?:static_url|sheet|script)\('([^']+)'(?:, '(\w+)')?\)")


async def test_file_is_cached_without_end_under_its_version_only(visitor: Visitor) -> None:
    versioned = await visitor.get(static_url("page.js"))
    assert versioned.status == 200
    assert "immutable" in versioned.headers["Cache-Control"]
    plain = await visitor.get("/static/page.js")
    assert plain.text == versioned.text
    assert plain.headers["Cache-Control"] == "no-cache"
    again = await visitor.get("/static/page.js", **{"If-None-Match": plain.headers["Etag"]})
    assert again.status == 304


async def test_page_of_an_older_release_still_finds_its_files(visitor: Visitor) -> None:
    answer = await visitor.get("/v000000000000/static/page.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_file_can_be_compressed_in_advance() -> None:
    asset = Asset("page.js", b"const page = 1;\n" * 100)
    asset.encode_all()
    assert brotli.decompress(asset.encoded("br").result(0)) == gzip.decompress(asset.encoded("gzip").result(0))
    assert brotli.decompress(asset.encoded("br").result(0)) == asset.body


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"])
async def test_files_outside_the_static_folders_are_not_served(path: str, visitor: Visitor) -> None:
    assert (await visitor.get(path)).status in (403, 404)


async def test_files_of_a_package_are_served_below_its_name(visitor: Visitor) -> None:
    answer = await visitor.get(static_url("dashboard_page.js", "principal"))
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_version_changes_with_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.views.static.ROOT", tmp_path)
    (tmp_path / "a.js").write_text("one")
    before = version_of([tmp_path])
    assert version_of([tmp_path]) == before
    (tmp_path / "a.js").write_text("two")
    assert version_of([tmp_path]) != before
    assert re.fullmatch(r"v[0-9a-f]{12}", VERSION)


@pytest.mark.parametrize("file", script_files(), ids=lambda file: file.name)
def test_scripts_import_existing_files_by_relative_addresses(file: Path) -> None:
    for found in IMPORT.findall(file.read_text()):
        name = next(filter(None, found))
        assert name.startswith("."), f"{name} would lose the version"
        # As a browser resolves it: a package's statics stand at /<package>/static, the shared ones at /static.
        base = file.parent
        if "views" in file.parts and "../../static/" in name:
            base, name = ROOT / "static", name.removeprefix("../../static/")
        assert (base / name).is_file(), f"{file.name} imports {name}, which is not there"


def test_templates_name_existing_files() -> None:
    templates = [*ROOT.glob("templates/*.html"), *ROOT.glob("server/views/*/templates/*.html")]
    named = {found for file in templates for found in TEMPLATE_FILE.findall(file.read_text())}
    assert len(named) > 10
    for path, package in named:
        folder = ROOT / "server/views" / package / "static" if package else ROOT / "static"
        assert (folder / path).is_file(), path


def test_templates_load_scripts_and_sheets_by_their_functions_only() -> None:
    """What these name is joined; a tag of another kind would load every module by itself."""
    templates = [*ROOT.glob("templates/*.html"), *ROOT.glob("server/views/*/templates/*.html")]
    for file in templates:
        assert "<script" not in file.read_text(), file
        assert not re.search(r"stylesheet(?!\" href=\"(\{% block sheet %\}|\{\{ sheet\())", file.read_text()), file


async def test_file_comes_in_the_encoding_that_the_browser_prefers(visitor: Visitor) -> None:
    plain = await visitor.raw(static_url("page.js"), "identity")
    tags = {plain.headers["Etag"]}
    for accepted, encoding, unpack in (("gzip, br", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)):
        packed = await visitor.raw(static_url("page.js"), accepted)
        assert packed.headers["Content-Encoding"] == encoding
        assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
        assert unpack(packed.body) == plain.body
        assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body)
        tags.add(packed.headers["Etag"])
        again = await visitor.raw(static_url("page.js"), accepted, **{"If-None-Match": packed.headers["Etag"]})
        assert (again.code, again.body) == (304, b"")
    assert len(tags) == 3


async def test_part_of_a_file_is_answered_with_the_whole(visitor: Visitor) -> None:
    answer = await visitor.raw(static_url("page.js"), "gzip", Range="bytes=0-9")
    assert answer.code == 200
    assert len(gzip.decompress(answer.body)) > 10


async def test_image_is_not_compressed_again(visitor: Visitor) -> None:
    small = await visitor.raw(static_url("chalk-start.svg"), "br, gzip")
    assert "Content-Encoding" not in small.headers


async def test_heads_of_a_file_are_those_of_its_answer(visitor: Visitor) -> None:
    whole, told = await visitor.get(static_url("page.js")), await visitor.head(static_url("page.js"))
    assert (told.status, told.text) == (200, "")
    assert {name: told.headers[name] for name in told.headers if name != "Date"} == {
        name: whole.headers[name] for name in whole.headers if name != "Date"
    }


def test_page_script_is_joined_and_preloads_what_it_imports() -> None:
    joined = bundled().find("/static/class_page.js")
    assert joined is not None
    assert b'from"./common.js"' in joined.body
    assert bundled().script("class_page.js").splitlines() == [
        f'<link rel="modulepreload" href="{static_url("common.js")}">',
        f'<script type="module" src="{static_url("class_page.js")}"></script>',
    ]


async def test_page_script_has_its_texts_in_the_readers_language(visitor: Visitor) -> None:
    address = f"/{VERSION}/pt_BR/static/class_page.js"
    assert f'src="{address}"' in bundled().script("class_page.js", "", "pt_BR")
    answer = await visitor.get(address)
    assert (answer.status, "Escreva" in answer.text or "não" in answer.text) == (200, True)
    assert "não" not in (await visitor.get(static_url("class_page.js"))).text
    # The service worker keeps it for all languages.
    assert f'src="{static_url("offline_page.js")}"' in bundled().script("offline_page.js", "", "pt_BR")


@pytest.mark.parametrize("language", ["", "/pt_BR"])
def test_joined_scripts_import_existing_files(language: str) -> None:
    left, seen = [f"{language}/static/class_page.js", f"{language}/static/announcements_page.js"], set[str]()
    while left:
        seen.add(path := left.pop())
        found = bundled().find(path)
        assert found is not None, path
        names = re.findall(r"""(?:from|\bimport\(?)\s*["'`](\.[^"'`]+)["'`]""", found.body.decode())
        left += {posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) for name in names} - seen
    assert f"{language}/static/text/split.js" in seen
    assert f"{language}/static/common.js" in seen


def test_unbundled_files_are_served_as_they_are_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FOLDERS, "", tmp_path)
    assets = Assets(is_bundled=False)
    (tmp_path / "page.js").write_text("export const one = 1;\n")
    (tmp_path / "a_page.js").write_text('import {one} from "./page.js";\n')
    for text in ("export const one = 1;\n", "export const one = 2;\n"):
        (tmp_path / "page.js").write_text(text)
        found = assets.find("/static/page.js")
        assert found is not None
        assert found.body.decode() == text
    assert assets.find("/static/../server.py") is None
    assert assets.script("a_page.js").splitlines() == [
        '<link rel="modulepreload" href="/static/page.js">',
        '<script type="module" src="/static/a_page.js"></script>',
    ]


def test_scripts_put_no_text_into_markup() -> None:
    for file in script_files():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text()), file
