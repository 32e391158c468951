import re
from pathlib import Path

import pytest

from server.locale.update import ROOT, script_files
from server.views.static import VERSION, static_url, version_of
from tests.server.views.visitor import Visitor

IMPORT = re.compile(r"""^(?:import|export) [^;=(]*? from "([^"]+)"|^import "([^"]+)";""", re.MULTILINE)
TEMPLATE_FILE = re.compile(r"static_url\('([^']+)'(?:, '(\w+)')?\)")


async def test_a_file_under_its_version_is_kept_for_ever_and_asked_for_anew_without(visitor: Visitor) -> None:
    versioned = await visitor.get(static_url("page.js"))
    assert versioned.status == 200
    assert "immutable" in versioned.headers["Cache-Control"]
    plain = await visitor.get("/static/page.js")
    assert plain.text == versioned.text
    assert plain.headers["Cache-Control"] == "no-cache"
    again = await visitor.get("/static/page.js", **{"If-None-Match": plain.headers["Etag"]})
    assert again.status == 304


async def test_a_page_of_an_older_release_still_finds_its_files(visitor: Visitor) -> None:
    answer = await visitor.get("/v000000000000/static/page.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"])
async def test_nothing_outside_is_served(path: str, visitor: Visitor) -> None:
    assert (await visitor.get(path)).status in (403, 404)


async def test_a_packages_own_files_are_served_below_it(visitor: Visitor) -> None:
    answer = await visitor.get(static_url("dashboard_page.js", "principal"))
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_the_version_changes_with_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.views.static.ROOT", tmp_path)
    (tmp_path / "a.js").write_text("one")
    before = version_of([tmp_path])
    assert version_of([tmp_path]) == before
    (tmp_path / "a.js").write_text("two")
    assert version_of([tmp_path]) != before
    assert re.fullmatch(r"v[0-9a-f]{12}", VERSION)


@pytest.mark.parametrize("file", script_files(), ids=lambda file: file.name)
def test_scripts_import_relatively_and_only_what_is_there(file: Path) -> None:
    for found in IMPORT.findall(file.read_text()):
        name = next(filter(None, found))
        assert name.startswith("."), f"{name} would lose the version"
        # As a browser resolves it: a package's statics stand at /<package>/static, the shared ones at /static.
        base = file.parent
        if "views" in file.parts and "../../static/" in name:
            base, name = ROOT / "static", name.removeprefix("../../static/")
        assert (base / name).is_file(), f"{file.name} imports {name}, which is not there"


def test_templates_name_files_that_are_there() -> None:
    templates = [*ROOT.glob("templates/*.html"), *ROOT.glob("server/views/*/templates/*.html")]
    named = {found for file in templates for found in TEMPLATE_FILE.findall(file.read_text())}
    assert len(named) > 10
    for path, package in named:
        folder = ROOT / "server/views" / package / "static" if package else ROOT / "static"
        assert (folder / path).is_file(), path


def test_scripts_put_no_text_into_markup() -> None:
    for file in script_files():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text()), file
