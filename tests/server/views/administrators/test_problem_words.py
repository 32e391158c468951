"""What is wrong with an export, in the reader's language."""

import ast
from pathlib import Path

import pytest

from server import rosters
from server.locale import LANGUAGES
from server.views.administrators.problem_words import kind_in_words, kinds, message_in_words, messages

# What these refuse, the pages say in their own words.
OTHERS = ("uploads", "nightly", "pulling")
# Their words are made of several texts, which the list has whole.
PUT_TOGETHER = {"%s is not a role of OneRoster %s%s.", "%s--confirm-ended %s.", "The entry %s %s."}
ROSTERS = Path(rosters.__file__).parent
PORTUGUESE = LANGUAGES["pt_BR"].locale.translate


def plain(node: ast.expr) -> str | None:
    """Return a text of the code with `%s` in its places; None for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "%s" for each in node.values)
    return None


def said() -> list[str]:
    """Return the sentences of the code that reads rosters: texts with blanks, and the sign that ends a sentence."""
    found: set[str] = set()
    for file in ROSTERS.glob("*.py"):
        if file.stem in OTHERS:
            continue
        nodes = list(ast.walk(ast.parse(file.read_text())))
        parts = {id(part) for each in nodes if isinstance(each, ast.JoinedStr) for part in each.values}
        docs = {id(each.value) for each in nodes if isinstance(each, ast.Expr)}
        texts = (plain(each) for each in nodes if isinstance(each, ast.expr) and id(each) not in parts | docs)
        found |= {text for text in texts if text and " " in text and text.endswith((".", "?"))}
    return sorted(found - PUT_TOGETHER)


@pytest.mark.parametrize("sentence", said())
def test_every_sentence_of_the_checks_has_its_words(sentence: str) -> None:
    end = sentence.rpartition("%s")[2]  # some are put together of two texts
    assert any(each == sentence or (len(end) > 10 and each.endswith(end)) for each in messages(str))


def test_message_is_translated_with_what_stands_in_it() -> None:
    assert message_in_words("“x7” is not in the export.", PORTUGUESE) == "“x7” não está na exportação."
    english = "User “a is a b” is a student, and enrolled as a teacher."
    assert message_in_words(english, str) == english
    assert message_in_words("Something new.", PORTUGUESE) == "Something new."


def test_values_with_signs_of_formats_are_values() -> None:
    assert message_in_words("“100%s” is not in the export.", PORTUGUESE) == "“100%s” não está na exportação."


def test_kinds_of_what_was_left_out_are_translated() -> None:
    assert kind_in_words("people marked as gone", PORTUGUESE) == "pessoas marcadas como encerradas"
    assert all(PORTUGUESE(each) != each for each in kinds(str))
    assert kind_in_words("ext:", PORTUGUESE) == "ext:"
