import re

import pytest
from babel.messages.catalog import Catalog

from server.locale import LANGUAGES, SOURCE, choose, read_catalog
from server.locale.update import strings

TRANSLATED = [code for code in LANGUAGES if code != SOURCE]
FIELD = re.compile(r"\{\w+\}|%[ds]")


def _keys(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def _forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", TRANSLATED)
def test_catalogs_translate_exactly_the_strings_of_the_pages(code: str) -> None:
    catalog, wanted = read_catalog(code), _keys(strings())
    assert len(wanted) > 100
    assert _keys(catalog) == wanted, "run: python -m server.locale"
    empty = [message.id for message in catalog if message.id and not all(_forms(message.string))]
    assert not empty


@pytest.mark.parametrize("code", TRANSLATED)
def test_translation_has_the_fields_of_its_original(code: str) -> None:
    for message in read_catalog(code):
        for original, translated in zip(_forms(message.id), _forms(message.string), strict=True):
            assert set(FIELD.findall(translated)) == set(FIELD.findall(original)), original


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt_BR"),
        ("pt", "pt_BR"),
        ("PT-pt", "pt_BR"),
        ("en-US,en;q=0.9,pt;q=0.1", "en"),
        ("fr,pt;q=0.3", "pt_BR"),
        ("en;q=0.2, pt-BR;q=0.7", "pt_BR"),
        ("pt;q=0,en", "en"),
        ("fr-CH", "en"),
        ("", "en"),
        (";;q=,,pt;q=x", "en"),
    ],
)
def test_language_is_the_browsers_first_choice(accepted: str, code: str) -> None:
    assert choose(accepted).code == code


def test_plural_forms_follow_each_language() -> None:
    one, many = "Too many attempts. Try again in %d minute.", "Too many attempts. Try again in %d minutes."
    portuguese, english = LANGUAGES["pt_BR"].locale, LANGUAGES["en"].locale
    assert portuguese.translate(one, many, 1).endswith("%d minuto.")
    assert portuguese.translate(one, many, 2).endswith("%d minutos.")
    assert english.translate(one, many, 2) == many
