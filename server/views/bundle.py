"""Joins the pages' modules and style sheets into few files, so that a page opens quickly on a slow line.

    class_page.js ──┐ modules that only this page imports        ──> class_page.js
                    ├ modules that several pages import          ──> common.js
    classes_page.js ┘ modules that only that page imports        ──> classes_page.js
    import("./poll_form.js")  what no page needs at once         ──> poll_form.js, common1.js, …

Each module becomes a function that runs when it is first imported and returns its exports: as in a browser, a module
runs once, after what it imports. A file takes the place, and the address, of the page's script or sheet.

The modules are the project's own. They keep to the forms of import and export that `_IMPORT` and `_EXPORT` match, do
not import each other in a circle, and export constants only, so that a copied binding is as good as a live one.
Anything else is a BundleError. It does not know where files are or how they are served.

Scripts are written in English. The joined files have their texts in one language, so that a page needs no catalog.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from rcssmin import cssmin
from rjsmin import jsmin

Read = Callable[[str], str]
# By the English text; a plural by its singular, with all forms.
Texts = Mapping[str, str | Sequence[str]]

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|class|const) ([\w$]+))", re.MULTILINE)
_OTHER_FORM = re.compile(r"^(?:import\b(?!\()|export\b).*", re.MULTILINE)
# `await` in a statement that begins a line without indent; a line that begins with / or * is a comment.
_TOP_AWAIT = re.compile(r"^[^\s/*].*\bawait\b", re.MULTILINE)
_LAZY_IMPORT = re.compile(r'\bimport\("(\.[^"]+)"\)')
# A text that is translated: `_("…"` or `ngettext("…", "…"`; the linter keeps to this kind of quotes.
_TEXT = re.compile(r"""(?<![\w$.#])(_|ngettext)\(\s*("(?:[^"\\]|\\.)*")(?:,\s*("(?:[^"\\]|\\.)*"))?""")
_SHEET_IMPORT = re.compile(r'@import "([^"]+)";\s*')
_SHEET_URL = re.compile(r'url\("?(\.[^")]+)"?\)')

# Runs a module when it is first imported.
_LAZY = "const lazy=(make)=>{let made;return()=>made??=make()};"
# Modules of others, which need not keep to our forms; they are loaded by `import("…")` only, and served as they are.
VENDOR = "/vendor/"


class BundleError(Exception):
    """A module or a sheet has a form that cannot be joined with others."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module: what it imports (names and path), what it exports, and its code without either."""

    path: str
    imports: tuple[tuple[str, str], ...]
    exports: tuple[str, ...]
    lazy_imports: tuple[str, ...]
    awaits: bool
    code: str


def read_module(path: str, text: str) -> Module:
    """Take a module apart; raise BundleError where it has another form than ours."""
    imports = tuple((names or "", resolve(path, found)) for names, found in _IMPORT.findall(text))
    exports = tuple(_EXPORT.findall(text))
    code = _EXPORT.sub("", _IMPORT.sub("", text))
    if other := _OTHER_FORM.search(code):
        raise BundleError(f"{path}: a form of import or export that cannot be joined: {other[0]}")
    minified = jsmin(code)
    if "import.meta" in minified:
        raise BundleError(f"{path}: import.meta has another meaning in a joined file")
    lazy = tuple(resolve(path, found) for found in _LAZY_IMPORT.findall(minified))
    return Module(path, imports, exports, lazy, _TOP_AWAIT.search(code) is not None, minified)


def texts_of(code: str) -> Iterator[str | tuple[str, str]]:
    """Return the texts in a script's code that are translated; one that counts is (singular, plural)."""
    for found in _TEXT.finditer(code):
        text = json.loads(found[2])
        yield text if found[3] is None else (text, json.loads(found[3]))


def translate(code: str, texts: Texts) -> str:
    """Put the translations into a script's code; what has none stays as it is."""
    return _TEXT.sub(lambda found: _translated(found, texts), code)


def _translated(found: re.Match[str], texts: Texts) -> str:
    function, text, plural = found.groups()
    translated = texts.get(json.loads(text))
    if translated is None or isinstance(translated, str) is (plural is not None):
        return found[0]
    forms = [translated] if isinstance(translated, str) else translated
    return f"{function}({','.join(json.dumps(form, ensure_ascii=False) for form in forms)}"


def resolve(path: str, address: str) -> str:
    """Return the path that a relative address in this file leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address))


def relative(path: str, target: str) -> str:
    """Return the address that leads from this file to that one."""
    found = posixpath.relpath(target, posixpath.dirname(path))
    return found if found.startswith(".") else f"./{found}"


class Bundle:
    """The scripts of all pages; `read` returns a file's text, `common` is where the modules that several need go.

    What a script imports by `import("…")` is a script of its own, which pages load later.
    """

    def __init__(self, pages: Iterable[str], read: Read, common: str) -> None:
        self.common = common
        self._read = read
        self._modules: dict[str, Module] = {}
        self._pages = list(dict.fromkeys(pages))
        self.scripts = list(self._pages)
        for script in self.scripts:  # grows
            self.scripts += [path for path in self._later(script) if path not in self.scripts]

    def reached(self, path: str, above: tuple[str, ...] = ()) -> list[str]:
        """Return a module and all that it imports, in the order in which they run."""
        if path in above:
            raise BundleError(f"modules import each other in a circle: {' -> '.join([*above, path])}")
        module = self._modules.get(path) or read_module(path, self._read(path))
        self._modules[path] = module
        below = [each for _, imported in module.imports for each in self.reached(imported, (*above, path))]
        return list(dict.fromkeys([*below, path]))

    def needed(self, script: str) -> list[str]:
        """Return the other files that a script's file needs at once."""
        files = dict.fromkeys(self.places[path] for path in self.reached(script))
        return [file for file in files if file != script]

    def files(self, texts: Texts | None = None) -> Iterator[tuple[str, str]]:
        """Return every joined file with its text, in the language of these texts."""
        for file in dict.fromkeys([self.common, *self.scripts, *self.places.values()]):
            yield file, self._file(file, texts or {})

    def _later(self, script: str) -> list[str]:
        found = [path for each in self.reached(script) for path in self._modules[each].lazy_imports]
        return [path for path in dict.fromkeys(found) if VENDOR not in path]

    @cached_property
    def places(self) -> dict[str, str]:
        """The file of each module, by its path.

        Modules of several pages share one file. A page has those that it alone needs at once: they are there when its
        later scripts come. Of the others, those that the same scripts need are in one file.
        """
        reached = {script: self.reached(script) for script in self.scripts}
        groups: dict[frozenset[str], list[str]] = {}
        for path in dict.fromkeys(chain.from_iterable(reached.values())):
            scripts = {script for script in self.scripts if path in reached[script]}
            pages = scripts.intersection(self._pages)
            later = {script for script in scripts - pages if not self._loaded_by[script] <= pages}
            groups.setdefault(frozenset(self._pages if len(pages) > 1 else pages | later), []).append(path)
        return {path: self._place(scripts, number) for number, scripts in enumerate(groups) for path in groups[scripts]}

    def _place(self, scripts: frozenset[str], number: int) -> str:
        if len(scripts) == 1:
            return min(scripts)
        return self.common if scripts.issuperset(self._pages) else f"{self.common.removesuffix('.js')}{number}.js"

    @cached_property
    def _loaded_by(self) -> dict[str, set[str]]:
        """The pages that may load each script."""
        pages: dict[str, set[str]] = {script: set() for script in self.scripts}
        for page in self._pages:
            loaded = [page]
            for script in loaded:  # grows
                pages[script].add(page)
                loaded += [path for path in self._later(script) if path not in loaded]
        return pages

    def _file(self, file: str, texts: Texts) -> str:
        own = [path for path in self._ordered if self.places[path] == file]
        wanted = {path for each in own for _, path in self._modules[each].imports} | ({file} & set(self.scripts))
        code = self._imports(file, wanted.difference(own)) + _LAZY + self._definitions(file, own, texts)
        exported = [path for path in own if path in self._wanted_elsewhere]
        return code + (f"export{{{self._names(exported)}}};" if exported else "") + self._end(file)

    def _end(self, file: str) -> str:
        """Run the script that the file is for."""
        if file not in self.scripts:
            return ""
        run = f"{self._name(file)}();"
        exports = ",".join(self._modules[file].exports)
        return f"export const{{{exports}}}={run}" if exports else run

    def _imports(self, file: str, wanted: set[str]) -> str:
        """Import from the other files; those that only they need are asked for at once as well."""
        named: dict[str, list[str]] = {other: [] for other in self.needed(file)} if file in self.scripts else {}
        for path in sorted(wanted):
            named.setdefault(self.places[path], []).append(path)
        clauses = {other: f"{{{self._names(paths)}}}from" if paths else "" for other, paths in named.items()}
        return "".join(f'import{clause}"{relative(file, other)}";' for other, clause in clauses.items())

    @cached_property
    def _wanted_elsewhere(self) -> set[str]:
        wanted = {script for script in self.scripts if self.places[script] != script}
        for path in self._ordered:
            imported = {found for _, found in self._modules[path].imports}
            wanted |= {found for found in imported if self.places[found] != self.places[path]}
        return wanted

    @cached_property
    def _ordered(self) -> list[str]:
        return list(dict.fromkeys(chain.from_iterable(map(self.reached, self.scripts))))

    def _definitions(self, file: str, paths: list[str], texts: Texts) -> str:
        """Define modules. Those that await something run at once, when all are defined; the others when imported."""
        modules = [self._modules[path] for path in paths]
        ordered = sorted(modules, key=lambda module: module.awaits)
        return "".join(self._definition(file, module, texts) for module in ordered)

    def _definition(self, file: str, module: Module, texts: Texts) -> str:
        imports = "".join(self._import(names, path) for names, path in module.imports)
        code = _LAZY_IMPORT.sub(lambda found: self._lazy_import(file, resolve(module.path, found[1])), module.code)
        body = f"{{{imports}{translate(code, texts)}\nreturn{{{','.join(module.exports)}}}}}"
        name = self._name(module.path)
        if module.awaits:
            return f"const {name}=((made)=>()=>made)(await(async()=>{body})());"
        return f"const {name}=lazy(()=>{body});"

    def _import(self, names: str, path: str) -> str:
        renamed = ",".join(re.sub(r"\s+as\s+", ":", each.strip()) for each in names.split(",") if each.strip())
        return f"const{{{renamed}}}={self._name(path)}();" if renamed else f"{self._name(path)}();"

    @staticmethod
    def _lazy_import(file: str, path: str) -> str:
        return f'import("{relative(file, path)}")'

    def _names(self, paths: Iterable[str]) -> str:
        return ",".join(map(self._name, paths))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {path: number for number, path in enumerate(sorted(self._modules))}

    def _name(self, path: str) -> str:
        return f"m{self._numbers[path]}"


def join_sheet(path: str, read: Read) -> str:
    """Return a style sheet with those that it imports in their places, each once, and all addresses right."""
    return str(cssmin("".join(_sheets(path, path, read, set()))))


def _sheets(path: str, into: str, read: Read, seen: set[str]) -> Iterator[str]:
    if path in seen:
        return
    seen.add(path)
    text = read(path)
    imports = _SHEET_IMPORT.findall(text)
    rest = _SHEET_IMPORT.sub("", text)
    if "@import" in rest:
        raise BundleError(f'{path}: a sheet is imported by @import "…"; without conditions')
    for imported in imports:
        yield from _sheets(resolve(path, imported), into, read, seen)
    yield _SHEET_URL.sub(lambda found: f'url("{relative(into, resolve(path, found[1]))}")', rest)
