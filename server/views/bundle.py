"""Joins the pages' modules and style sheets into few files, so that a page opens quickly on a slow line.

    class_page.js ──┐ modules that only this script imports      ──> class_page.js
                    ├ modules that several scripts import        ──> common.js
    classes_page.js ┘ modules that only that script imports      ──> classes_page.js

Each module becomes a function that runs when it is first imported and returns its exports: as in a browser, a module
runs once, after what it imports. A file takes the place, and the address, of the page's script or sheet.

The modules are the project's own. They keep to the forms of import and export that `_IMPORT` and `_EXPORT` match, do
not import each other in a circle, and export constants only, so that a copied binding is as good as a live one.
Anything else is a BundleError. It does not know where files are or how they are served.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from rcssmin import cssmin
from rjsmin import jsmin

Read = Callable[[str], str]

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|class|const) ([\w$]+))", re.MULTILINE)
_OTHER_FORM = re.compile(r"^(?:import\b(?!\()|export\b).*", re.MULTILINE)
# `await` in a statement that begins a line without indent; a line that begins with / or * is a comment.
_TOP_AWAIT = re.compile(r"^[^\s/*].*\bawait\b", re.MULTILINE)
_LAZY_IMPORT = re.compile(r'\bimport\("(\.[^"]+)"\)')
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


def resolve(path: str, address: str) -> str:
    """Return the path that a relative address in this file leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address))


def relative(path: str, target: str) -> str:
    """Return the address that leads from this file to that one."""
    found = posixpath.relpath(target, posixpath.dirname(path))
    return found if found.startswith(".") else f"./{found}"


class Bundle:
    """The scripts of all pages; `read` returns a file's text, `common` is where the modules that several need go."""

    def __init__(self, scripts: Iterable[str], read: Read, common: str) -> None:
        self.common = common
        self._read = read
        self._modules: dict[str, Module] = {}
        self.scripts = list(dict.fromkeys(scripts))
        for script in self.scripts:  # grows: what is imported lazily is a file of its own
            lazy = [path for each in self.reached(script) for path in self._modules[each].lazy_imports]
            self.scripts += [path for path in dict.fromkeys(lazy) if VENDOR not in path and path not in self.scripts]

    def reached(self, path: str, above: tuple[str, ...] = ()) -> list[str]:
        """Return a module and all that it imports, in the order in which they run."""
        if path in above:
            raise BundleError(f"modules import each other in a circle: {' -> '.join([*above, path])}")
        module = self._modules.get(path) or read_module(path, self._read(path))
        self._modules[path] = module
        below = [each for _, imported in module.imports for each in self.reached(imported, (*above, path))]
        return list(dict.fromkeys([*below, path]))

    @cached_property
    def shared(self) -> list[str]:
        """The modules of the common file."""
        counted = [path for script in self.scripts for path in self.reached(script)]
        return [path for path in dict.fromkeys(counted) if counted.count(path) > 1]

    def files(self) -> Iterator[tuple[str, str]]:
        """Return every joined file with its text."""
        names = self._names(self.shared)
        yield self.common, f"{_LAZY}{self._definitions(self.common, self.shared)}export{{{names}}};"
        for script in self.scripts:
            yield script, self._script(script)

    def _script(self, script: str) -> str:
        own = [path for path in self.reached(script) if path not in self.shared]
        wanted = {path for each in own for _, path in self._modules[each].imports} | {script}
        common = [path for path in self.shared if path in wanted]
        begin = f'import{{{self._names(common)}}}from"{relative(script, self.common)}";' if common else ""
        exports = ",".join(self._modules[script].exports)
        end = f"{self._name(script)}();"
        return begin + _LAZY + self._definitions(script, own) + (f"export const{{{exports}}}={end}" if exports else end)

    def _definitions(self, file: str, paths: list[str]) -> str:
        """Define modules. Those that await something run at once, when all are defined; the others when imported."""
        modules = [self._modules[path] for path in paths]
        ordered = sorted(modules, key=lambda module: module.awaits)
        return "".join(self._definition(file, module) for module in ordered)

    def _definition(self, file: str, module: Module) -> str:
        imports = "".join(self._import(names, path) for names, path in module.imports)
        code = _LAZY_IMPORT.sub(lambda found: self._lazy_import(file, resolve(module.path, found[1])), module.code)
        body = f"{{{imports}{code}\nreturn{{{','.join(module.exports)}}}}}"
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
