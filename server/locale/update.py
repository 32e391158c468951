"""Finds every string that the pages show, in modules, templates and scripts, and updates the catalogs.

A string is marked by `_("…")` in templates and scripts, `ngettext("…", "…", n)` in scripts, `_("…", "…", n)` in
templates, and `translate(…)` in modules. Tornado compiles a template to Python, so Babel's Python extractor reads it;
scripts are read as the joining reads them, which puts the translations in.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from tornado.template import Template

from server.locale import DOMAIN, LANGUAGES, SOURCE, catalog_file, read_catalog
from server.views.bundle import read_module, texts_of

ROOT = Path(__file__).parents[2]
# Which arguments are (message, plural). `_` in a template and `translate` take both, and the count, or only the first.
KEYWORDS = {name: {None: (1,), 3: (1, 2)} for name in ("_", "translate")}
OPTIONS = {"encoding": "utf-8"}


def template_files() -> list[Path]:
    """Return all templates."""
    return sorted([*(ROOT / "templates").glob("**/*.html"), *(ROOT / "server/views").glob("**/*.html")])


def script_files() -> list[Path]:
    """Return all scripts of the pages."""
    return sorted([*(ROOT / "static").glob("**/*.js"), *(ROOT / "server/views").glob("**/*.js")])


def strings() -> Catalog:
    """Return every string that the pages show, with the files that contain it."""
    catalog = Catalog(domain=DOMAIN, project="Lousa", fuzzy=False)
    for file in [*sorted((ROOT / "server").glob("**/*.py")), *template_files(), *script_files()]:
        for message in strings_of(file):
            catalog.add(message, locations=[(str(file.relative_to(ROOT)), 0)])
    return catalog


def strings_of(file: Path) -> Iterator[str | tuple[str, ...]]:
    """Return the strings of one file; one that counts is (singular, plural)."""
    if file.suffix == ".js":
        yield from texts_of(
            read_module(file.name, file.read_text()).code
        )  # Babel does not look into a string in a string
        return
    source = BytesIO(_as_python(file))
    for _, message, _, _ in extract("python", source, KEYWORDS, options=OPTIONS):  # type: ignore[arg-type]
        yield message


def _as_python(file: Path) -> bytes:
    if file.suffix != ".html":
        return file.read_bytes()
    # Without its base and includes: each template is read separately.
    text = re.sub(r"{% (extends|include) [^%]*%}", "", file.read_text())
    return Template(text, name=file.name).code.encode()


def update() -> None:
    """Add new strings to each catalog, untranslated, and remove those that are no longer in the code."""
    wanted = strings()
    for code in LANGUAGES:
        if code == SOURCE:
            continue
        catalog = read_catalog(code)
        catalog.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        write(catalog, code)


def write(catalog: Catalog, code: str) -> None:
    """Write a language's catalog in a fixed order and format."""
    with catalog_file(code).open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, include_lineno=False)
