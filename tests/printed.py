"""The blocks of commands in documents, each with the mark before it that says where it runs.

    <!-- run: root -->

        apt-get update

In a list the mark and the block are indented with it.
"""

import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "docs/operations.md")

# Where a block runs, or why it does not.
MARKS = {
    "root": "in a root made by debootstrap, as root, in the order of the document",
    "school": "in the same root, after the others, beside a roster",
    "settings": "it is a settings file, which is read",
    "make": "its targets are in the Makefile; other tests run what they run",
    "backup": "tests/server/test_restored.py runs it",
    "systemd": "only its syntax: a test has no systemd; tests/test_deploy.py judges the unit",
    "network": "only its syntax: a certificate needs a public name",
    "machines": "only its syntax: it names addresses of other machines",
    "providers": "it has identifiers of the school's own",
    "example": "it has words that stand for others; commands of ours are parsed, and need no mark",
    "shown": "it is what a program prints",
}

_MARK = re.compile(r" *<!-- run: (\w+) -->")
_OURS = re.compile(r"(?:LOUSA_\w+=\S+ )*(?:python server\.py|lousa) ([^>|]*)")
_INDENTED = re.compile(r" {4,}\S")


class Block(NamedTuple):
    """A block: its document and line, its mark (empty: it has none), and its text without the indentation."""

    document: str
    line: int
    mark: str
    text: str


def blocks(document: str) -> list[Block]:
    """Return the indented blocks of a document, in order."""
    lines = (ROOT / document).read_text().splitlines()
    found, mark, number = [], "", 0
    while number < len(lines):
        line = lines[number]
        if marked := _MARK.fullmatch(line):
            mark = marked[1]
        elif _INDENTED.match(line) and not lines[number - 1]:
            end = _end(lines, number)
            text = dedent("\n".join(lines[number:end])).strip("\n") + "\n"
            found.append(Block(document, number + 1, mark or _mark_of(text), text))
            mark, number = "", end
            continue
        elif line:
            mark = ""
        number += 1
    return found


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each command of ours in a text: what follows `python server.py` or `lousa`."""
    joined = re.sub(r"\\\n", " ", text)
    found = [_OURS.match(line) for line in joined.splitlines()]
    return [shlex.split(each[1], comments=True) for each in found if each]


def _mark_of(text: str) -> str:
    return "example" if len(commands(text)) == len(re.sub(r"\\\n", " ", text).splitlines()) else ""


def _end(lines: list[str], begin: int) -> int:
    """Return where a block ends that begins at a line: before the next one that is indented less."""
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    end = begin
    while end < len(lines) and (not lines[end] or lines[end].startswith(" " * indent)):
        end += 1
    return end
