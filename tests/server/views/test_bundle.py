import json
import re
import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract

from server.locale import LANGUAGES
from server.locale.update import script_files, strings_of
from server.views.bundle import Bundle, BundleError, join_sheet, read_module, texts_of, translate
from server.views.shorten import shorten
from server.views.static import COMMON, FOLDERS, VERSION, bundled
from tests.programs import program

CHECK = Path(__file__).with_name("same_program.mjs")

# With the page itself, icons and first events that is 60 KB for a class (tests/browser/test_loading.py).
MAX_BYTES = 52_000

MODULES = {
    "/static/one_page.js": """
import {a} from "./a.js";
import {b as bee} from "./deep/b.js";
globalThis.log.push("one", a(), bee);
globalThis.late = () => import("./late.js");
""",
    "/static/two_page.js": """
import {
  a,
} from "./a.js";
globalThis.log.push("two", a());
""",
    "/own/static/three_page.js": """
import {a} from "../../static/a.js";
import "../../static/deep/b.js";
export const three = a();
""",
    "/static/a.js": """
import {strings} from "./strings.js";
globalThis.log.push("a");
export function a() {
  return strings[0];
}
""",
    "/static/deep/b.js": """
/** import {x} from "./no.js"; */
globalThis.log.push("b");
export const b = `${a()} // kept`;
export class C {}
function a() { return "b"; }
""",
    "/static/late.js": """
import {a} from "./a.js";
export async function later() {
  return a();
}
""",
    "/static/strings.js": """
export const strings = await Promise.resolve(["text"]);
""",
}


def _bundle(modules: dict[str, str], *scripts: str) -> Bundle:
    return Bundle(scripts, modules.__getitem__, COMMON)


def _run(folder: Path, bundle: Bundle, code: str) -> object:
    return _run_files(folder, dict(bundle.files()), code)


def _run_files(folder: Path, files: Mapping[str, str], code: str) -> object:
    """Run the joined files in Node, as a browser would, and return what the code prints as JSON."""
    (folder / "package.json").write_text('{"type": "module"}')
    for path, text in files.items():
        file = folder / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = [program("node"), "--input-type=module", "--eval", f"globalThis.log = [];\n{code}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PAGES = ("/static/one_page.js", "/static/two_page.js", "/own/static/three_page.js")


def test_joined_modules_run_once_after_what_they_import(tmp_path: Path) -> None:
    code = """
    await import("./static/one_page.js");
    const {later} = await globalThis.late();
    const {three} = await import("./own/static/three_page.js");
    await import("./static/two_page.js");
    console.log(JSON.stringify([...globalThis.log, three, await later()]));
    """
    ran = _run(tmp_path, _bundle(MODULES, *PAGES), code)
    assert ran == ["a", "b", "one", "text", "b // kept", "two", "text", "text", "text"]


def test_module_of_several_pages_goes_into_the_common_file() -> None:
    bundle = _bundle(MODULES, *PAGES)
    common = {path for path, file in bundle.places.items() if file == COMMON}
    assert common == {"/static/a.js", "/static/strings.js", "/static/deep/b.js"}
    assert [path for path, _ in bundle.files()] == [COMMON, *PAGES, "/static/late.js"]
    assert bundle.needed(PAGES[0]) == [COMMON]


LATER = {
    "/static/one_page.js": """
import {own} from "./own.js";
globalThis.log.push("one", own);
globalThis.form = () => import("./form.js");
globalThis.list = () => import("./list.js");
""",
    "/static/two_page.js": """
globalThis.log.push("two");
globalThis.list = () => import("./list.js");
""",
    "/static/own.js": 'globalThis.log.push("own");\nexport const own = "of one";\n',
    "/static/form.js": """
import {own} from "./own.js";
import {field} from "./field.js";
import {row} from "./row.js";
export const form = [own, field, row];
""",
    "/static/list.js": 'import {row} from "./row.js";\nexport const list = [row];\n',
    "/static/field.js": 'export const field = "field";\n',
    "/static/row.js": 'globalThis.log.push("row");\nexport const row = "row";\n',
}


def test_what_a_page_imports_later_is_in_files_of_its_own() -> None:
    bundle = _bundle(LATER, "/static/one_page.js", "/static/two_page.js")
    assert bundle.needed("/static/one_page.js") == []
    places = bundle.places
    assert places["/static/own.js"] == "/static/one_page.js", "it is there when the form comes"
    assert places["/static/field.js"] == "/static/form.js"
    shared = places["/static/row.js"]
    assert shared not in (*LATER, COMMON)
    assert set(bundle.needed("/static/form.js")) == {"/static/one_page.js", shared}


def test_modules_imported_later_run_once(tmp_path: Path) -> None:
    code = """
    await import("./static/one_page.js");
    const [{form}, {list}] = [await globalThis.form(), await globalThis.list()];
    await globalThis.form();
    console.log(JSON.stringify([...globalThis.log, form, list]));
    """
    ran = _run(tmp_path, _bundle(LATER, "/static/one_page.js", "/static/two_page.js"), code)
    assert ran == ["own", "one", "of one", "row", ["of one", "field", "row"], ["row"]]


def test_joined_scripts_have_their_texts_in_one_language(tmp_path: Path) -> None:
    code = r"""
const s = [other("No"), _("?"), _("No"), _("{name} \"x\"", {name}), ngettext("{n} day", "{n} days", n), `${_("No")}`];
"""
    texts = {"No": "Não", '{name} "x"': '"{name}"', "{n} day": ["{n} dia", "{n} dias"]}
    assert (
        translate(code, texts)
        == r"""
const s = [other("No"), _("?"), _("Não"), _("\"{name}\"", {name}), ngettext("{n} dia","{n} dias", n), `${_("Não")}`];
"""
    )
    page = {"/static/one_page.js": 'const _ = (text) => text;\nglobalThis.log.push(_("No"));\n'}
    bundle = _bundle(page, "/static/one_page.js")
    [text] = [text for path, text in bundle.files(texts) if path == "/static/one_page.js"]
    assert '"Não"' in text


def test_every_text_of_our_scripts_can_be_translated() -> None:
    """The joining finds at least what Babel's parser of JavaScript does."""
    keywords: dict[str, object] = {"_": None, "ngettext": (1, 2)}
    for file in script_files():
        found = {message for _, message, _, _ in extract("javascript", BytesIO(file.read_bytes()), keywords)}  # type: ignore[arg-type]
        texts = set(texts_of(read_module("/static/any.js", file.read_text()).code))
        assert texts >= found, file
        assert texts == set(strings_of(file)), file


def test_shortened_scripts_are_the_same_program(tmp_path: Path) -> None:
    bundle = _bundle(MODULES, *PAGES)
    code = """
    await import("./static/one_page.js");
    console.log(JSON.stringify([...globalThis.log, await (await globalThis.late()).later()]));
    """
    whole, short = dict(bundle.files()), shorten(dict(bundle.files()))
    assert short.keys() == whole.keys()
    assert sum(map(len, short.values())) < sum(map(len, whole.values()))
    assert _run_files(tmp_path, short, code) == ["a", "b", "one", "text", "b // kept", "text"]


@pytest.mark.parametrize(
    "text",
    [
        'import page from "./page.js";\n',
        'import * as page from "./page.js";\n',
        'export {a} from "./a.js";\n',
        "export default 1;\n",
        "export let count = 0;\n",
        "export const {a, b} = {};\n",
        'import {a} from "https://elsewhere.example/a.js";\n',
        "const here = import.meta.url;\n",
    ],
)
def test_form_that_cannot_be_joined_is_refused_by_name(text: str) -> None:
    with pytest.raises(BundleError, match=r"/static/a\.js: "):
        read_module("/static/a.js", text)


def test_modules_that_import_each_other_are_refused() -> None:
    modules = {"/static/a.js": 'import "./b.js";\n', "/static/b.js": 'import "./a.js";\n'}
    with pytest.raises(BundleError, match=r"a\.js -> /static/b\.js -> /static/a\.js"):
        _bundle(modules, "/static/a.js")


def test_minified_modules_are_the_same_programs() -> None:
    pairs = []
    for prefix, folder in FOLDERS.items():
        for file in sorted(folder.rglob("*.js")):
            text = file.read_text()
            module = read_module(f"{prefix}/static/{file.relative_to(folder)}", text)
            plain = re.sub(r'^import (?:\{[^}]*\} from )?"[^"]+";$|^export (?=\w)', "", text, flags=re.MULTILINE)
            pairs.append((module.path, plain, module.code))
    assert len(pairs) > 50
    done = subprocess.run(
        [program("node"), str(CHECK)], input=json.dumps(pairs), capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_every_export_of_our_modules_is_found() -> None:
    declared = re.compile(r"^export (?:async )?(?:function\*?|class|const|let|var) ([\w$]+)", re.MULTILINE)
    for file in script_files():
        text = file.read_text()
        assert list(read_module("/static/any.js", text).exports) == declared.findall(text)
        assert not re.search(r"^export const \w+ = [^\n]*, \w+ = ", text, re.MULTILINE), f"{file}: one name each"


def test_sheet_contains_what_it_imports_once_with_right_addresses() -> None:
    sheets = {
        "/static/style/page.css": '@import "base.css";\n.page { color: red; }\n',
        "/static/style/base.css": '.base { background: url("../line.svg"); }\n',
        "/own/static/own.css": '/* mine */\n@import "../../static/style/page.css";\n'
        '@import "../../static/style/base.css";\n.own { background: url("pixel.svg"), url("../x.svg"); }\n',
    }
    assert join_sheet("/own/static/own.css", sheets.__getitem__) == (
        '.base{background:url("../../static/line.svg")}.page{color:red}'
        '.own{background:url("pixel.svg"),url("../x.svg")}'
    )


def test_sheet_with_a_conditional_import_is_refused() -> None:
    with pytest.raises(BundleError, match=r"a\.css"):
        join_sheet("/static/a.css", {"/static/a.css": '@import url("b.css") print;\n'}.__getitem__)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["class_page", "announcements_page", "classes_page"])
def test_joined_pages_are_small(page: str, language: str) -> None:
    """What a phone on a poor line loads first: the page's script, what it needs at once, the sheet."""
    markup = bundled().script(f"{page}.js", "", language)
    scripts = [found.removeprefix(f"/{VERSION}") for found in re.findall(r'(?:src|href)="([^"]+)"', markup)]
    assert scripts
    files = [bundled().find(path) for path in (*scripts, f"/static/style/{page}.css")]
    assert sum(len(file.encoded("br").result()) for file in files if file is not None) < MAX_BYTES
