r"""Turns formulas that users write in TeX into MathML, as a tree that a page makes elements of.

    \sqrt{x}  ->  ["math", {}, ["msqrt", {}, ["mi", {}, "x"]]]

A tree and not markup: the page makes each element by itself, of a list of allowed ones (static/formula.js), so that no
text becomes an element that nobody meant. A formula that cannot be read is None, and the page goes on showing its text.
"""

from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import msgspec
from math_core import LatexError, LatexToMathML

# The longest: a page of derivations; 1,000 characters of the worst kind take 0.4 ms and give 17 KB.
MAX_SOURCE_CHARACTERS = 1_000

# Formulas that are kept, at most 9 MB: all pupils of a class ask for the same ones within a second.
KEPT = 512

_CONVERTER = LatexToMathML(fancy_error=False)

# An element: its name, its attributes, and what is in it: elements and texts.
Tree = list[Any]


@lru_cache(maxsize=KEPT)
def read_formula(source: str, *, block: bool) -> msgspec.Raw:
    """Return the tree of a formula as JSON, or JSON's null if it is none; `block`: set on lines of its own."""
    return msgspec.Raw(msgspec.json.encode(_tree(source, block)))


def _tree(source: str, block: bool) -> Tree | None:
    if len(source) > MAX_SOURCE_CHARACTERS:
        return None
    try:
        markup = _CONVERTER.convert_with_local_state(source, displaystyle=block)
    except LatexError:
        return None
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.root


class _Reader(HTMLParser):
    """Reads the markup of one element into a tree."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: Tree | None = None
        self._open: list[Tree] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: Tree = [tag, {name: value or "" for name, value in attrs}]
        if self._open:
            self._open[-1].append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].append(data)
