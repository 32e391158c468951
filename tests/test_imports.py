"""Dependencies point one way, and each external library is imported only in its own modules.

`channels/` is a stack of layers: a module may import from lower layers, and from its own layer without circles. A new
module needs a place in LAYERS.
"""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom up; `*` matches every module of a package.
LAYERS = [
    [
        *(
            "channels",
            "channels.errors",
            "channels.event",
            "channels.field",
            "channels.hours",
            "channels.limit",
            "channels.member",
            "channels.metric",
            "channels.pace",
        ),
        "channels.visible",
        "channels.topics.kind",  # the names of topics: it imports nothing, and a class knows its topic
    ],
    ["channels.wire.*"],
    ["channels.sessions.*"],
    ["channels.journal.*", "channels.broker.*"],
    ["channels.topics.*"],
    ["channels.cluster.*"],
    ["channels.lesson.*"],
    ["channels.engine.*"],
    ["channels.transports.*"],
    ["channels.roles.*"],
    ["server", "server.*"],
]

# Where an external library may be imported.
HOMES = {
    "tornado": ["channels.transports.*", "server.*", "bench.*", "tests.*"],
    "redis": ["channels.broker.*", "server.process.redis_url", "bench.*", "tests.*"],
    "sqlalchemy": ["channels.journal.*", "server.databases.*", "server.*", "tests.*", "bench.*"],
    "PIL": ["server.accounts.logo", "tests.*"],
    "click": ["server.cli.*", "server.rosters.*", "tests.*", "bench.*"],
}


def _modules() -> dict[str, Path]:
    """Return all modules of the project's packages by name."""
    files = [file for package in ("channels", "server", "tests", "bench") for file in (ROOT / package).rglob("*.py")]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
        if "node_modules" not in file.parts
    }


MODULES = _modules()
OURS = sorted(name for name in MODULES if name.split(".")[0] in ("channels", "server"))


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Return the imports of a module: submodules of ours by their full name, others as written."""
    return tuple(_names(module))


def _names(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; names are written whole here"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def _matches(module: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(module, pattern) or pattern == f"{module}.*" for pattern in patterns)


def _layer(module: str) -> int:
    for number, patterns in enumerate(LAYERS):
        if _matches(module, patterns):
            return number
    raise AssertionError(f"{module} has no place in LAYERS of {Path(__file__).name}: give it one")


@pytest.mark.parametrize("module", OURS)
def test_module_imports_only_lower_layers(module: str) -> None:
    ours = {name for name in _imports(module) if name in MODULES}
    above = {name for name in ours if name.split(".")[0] in ("tests", "bench") or _layer(name) > _layer(module)}
    assert not above, f"{module} imports {', '.join(sorted(above))}, which may only know of it"


def test_imports_have_no_circle() -> None:
    finished: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"imports in a circle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in finished:
            return
        for name in _imports(module):
            if name in MODULES and name != module:
                walk(name, (*path, module))
        finished.add(module)

    for module in MODULES:
        walk(module, ())


@pytest.mark.parametrize("library", sorted(HOMES))
def test_library_is_imported_only_in_its_own_modules(library: str) -> None:
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in _imports(module))}
    strangers = {module for module in users if not _matches(module, HOMES[library])}
    assert not strangers, f"{library} is imported in {', '.join(sorted(strangers))}"


# Packages whose modules have another name.
DISTRIBUTIONS = {"minify": "tdewolff_minify", "PIL": "pillow"}


def test_every_library_of_the_server_is_in_requirements() -> None:
    lines = (ROOT / "requirements.txt").read_text().lower().replace("-", "_").splitlines()
    names = {name.split(".")[0] for module in OURS for name in _imports(module)}
    names = {DISTRIBUTIONS.get(name, name) for name in names}
    outside = names - set(sys.stdlib_module_names) - {"channels", "server", "_typeshed"}
    missing = {name for name in outside if not any(line.startswith(name) for line in lines)}
    assert not missing, f"not in requirements.txt: {', '.join(sorted(missing))}"
