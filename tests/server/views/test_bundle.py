import json
import re
import subprocess
from pathlib import Path

import pytest

from server.locale.update import script_files
from server.views.bundle import Bundle, BundleError, join_sheet, read_module
from server.views.static import COMMON, FOLDERS, bundled
from tests.programs import program

CHECK = Path(__file__).with_name("same_program.mjs")

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
    """Run the joined files in Node, as a browser would, and return what the code prints as JSON."""
    (folder / "package.json").write_text('{"type": "module"}')
    for path, text in bundle.files():
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


def test_module_of_several_scripts_goes_into_the_common_file() -> None:
    bundle = _bundle(MODULES, *PAGES)
    assert set(bundle.shared) == {"/static/a.js", "/static/strings.js", "/static/deep/b.js"}
    assert [path for path, _ in bundle.files()] == [COMMON, *PAGES, "/static/late.js"]


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


def test_joined_pages_are_small() -> None:
    """What a phone on a poor line loads first: the page's script, what pages share, the sheet."""
    for names in (("class_page.js", "style/class_page.css"), ("announcements_page.js", "style/announcements_page.css")):
        files = [bundled().find(path) for path in (COMMON, *(f"/static/{name}" for name in names))]
        total = sum(len(file.encoded("br").result()) for file in files if file is not None)
        assert total < 80_000, names
