"""Tables as CSV for spreadsheets (RFC 4180): in UTF-8 with a byte order mark, and no cell that is read as a formula."""

import csv
import io
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence

# Spreadsheets take a file for UTF-8 if it begins with this mark.
BOM = "\ufeff"

_FORMULA_SIGNS = ("=", "+", "-", "@")
_BLANKS = ("\t", "\r", "\n")


def as_text(cell: str) -> str:
    """Keep a spreadsheet from reading a name as a formula.

    Some read the full-width signs of East Asian keyboards as the plain ones, and some skip blanks before a sign.
    """
    plain = unicodedata.normalize("NFKC", cell)
    return f"'{cell}" if plain.lstrip().startswith(_FORMULA_SIGNS) or plain.startswith(_BLANKS) else cell


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """Return a table with this header; without the byte order mark, Excel takes UTF-8 for an older encoding."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow([as_text(cell) if isinstance(cell, str) else cell for cell in row])
    return BOM_UTF8 + text.getvalue().encode()


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of a table that is written in parts, after BOM."""
    text = io.StringIO()
    csv.writer(text).writerow([as_text(str(cell)) for cell in cells])
    return text.getvalue()
