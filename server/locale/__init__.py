"""The languages of the pages: the list, the choice for a reader, and the texts of scripts.

English is written in the code itself; every other language is a gettext catalog, `<code>/LC_MESSAGES/lousa.po`. They
are compiled in memory at import (10 ms), so that a fresh clone and a read-only installation need no build step.
`python -m server.locale` updates the catalogs from the code (update.py).
"""

import gettext
import hashlib
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from tornado.locale import GettextLocale, Locale

FOLDER = Path(__file__).parent
DOMAIN = "lousa"
SOURCE = "en"


def catalog_file(code: str) -> Path:
    """Return the path of a language's catalog."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalog(code: str) -> Catalog:
    """Read a language's catalog."""
    with catalog_file(code).open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


class Language:
    """One language: `locale` for templates and handlers, `texts` for the pages' scripts.

    `script` has the same texts as an ES module; `version` names its contents, so that browsers may keep it without end.
    """

    def __init__(self, code: str, name: str) -> None:
        self.code = code
        self.name = name
        self.tag = code.replace("_", "-")  # in the notation of HTML and Intl
        catalog = Catalog() if code == SOURCE else read_catalog(code)
        self.locale: Locale = GettextLocale(code, _compile(catalog))
        self.texts = _texts(catalog)
        self.script = _as_script(self.texts)
        self.version = hashlib.sha256(self.script).hexdigest()[:12]


def _compile(catalog: Catalog) -> gettext.NullTranslations:
    if not len(catalog):
        return gettext.NullTranslations()
    file = BytesIO()
    write_mo(file, catalog)
    file.seek(0)
    return gettext.GNUTranslations(file)


def _texts(catalog: Catalog) -> Mapping[str, str | Sequence[str]]:
    """Return the translations by what they translate; a plural is the list of its forms, the singular first."""
    return {_key(message.id): message.string for message in catalog if message.id and message.string}


def _as_script(texts: Mapping[str, str | Sequence[str]]) -> bytes:
    return b"export default " + json.dumps(texts, ensure_ascii=False, sort_keys=True).encode() + b";\n"


def _key(message_id: object) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]  # type: ignore[index]  # (singular, plural)


# In the order of the pages' menu, each under its own name.
LANGUAGES: Mapping[str, Language] = {
    language.code: language for language in (Language("pt_BR", "Português"), Language(SOURCE, "English"))
}


def choose(accepted: str) -> Language:
    """Return the language that an Accept-Language header asks for (RFC 9110, section 12.5.4), or else English."""
    for tag in _by_preference(accepted):
        primary = tag.partition("-")[0].lower()
        for language in LANGUAGES.values():
            if language.code.partition("_")[0] == primary:
                return language
    return LANGUAGES[SOURCE]


def _by_preference(accepted: str) -> list[str]:
    weighted = []
    for item in accepted.split(","):
        tag, _, parameter = item.strip().partition(";")
        weight = _weight(parameter.strip())
        if tag and weight > 0:
            weighted.append((-weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: pair[0])]


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
