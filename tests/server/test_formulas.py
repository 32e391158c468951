"""What becomes of a formula: a tree of MathML, or nothing."""

import msgspec
import pytest

from server.formulas import MAX_SOURCE_CHARACTERS, read_formula


def read(source: str, *, block: bool = False) -> object:
    return msgspec.json.decode(bytes(read_formula(source, block=block)))


def test_a_formula_is_a_tree_of_elements_and_texts() -> None:
    fraction = ["mfrac", {}, ["mi", {}, "a"], ["mn", {}, "2"]]
    assert read(r"\frac{a}{2}") == ["math", {}, fraction]
    assert read(r"\frac{a}{2}", block=True) == ["math", {"display": "block"}, fraction]


def test_text_in_a_formula_stays_text() -> None:
    tree = read(r"\text{<script>alert(1)</script> \&amp;}")
    assert tree == ["math", {}, ["mtext", {}, "<script>alert(1)</script>\u00a0&amp;"]]


@pytest.mark.parametrize("source", [r"\frac{1}", r"\unknown", "{" * 1000, r"\def\a{\a\a}\a", r"\href{javascript:x}{y}"])
def test_what_is_no_formula_is_null(source: str) -> None:
    assert read(source) is None


def test_a_formula_that_is_too_long_is_null() -> None:
    assert read("a" * MAX_SOURCE_CHARACTERS) is not None
    assert read("a" * (MAX_SOURCE_CHARACTERS + 1)) is None


@pytest.mark.parametrize("piece", [r"\sqrt{", r"x^{", r"\left(", r"\begin{matrix}", "{", r"\text{", r"\binom{"])
def test_deep_formulas_are_read_or_refused(piece: str) -> None:
    close = {r"\left(": r"\right)", r"\begin{matrix}": r"\end{matrix}"}.get(piece, "}")
    depth = MAX_SOURCE_CHARACTERS // (len(piece) + len(close))
    read(piece * depth + close * depth)
