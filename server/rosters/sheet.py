"""One CSV file (RFC 4180), row by row, where everything wrong is a problem with its line and never an exception.

Lenient about what is plain: a byte order mark, LF or CRLF, columns in any order and more of them than are needed,
empty lines, spaces around a value. What makes the rest of a file uncertain ends its reading: text that is not UTF-8,
a quote that is never closed. `whole` then says that not all of it is known; `faults` counts the problems reported.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import BinaryIO

from server.rosters.problems import Problems, shown

# A row of an export has under 2,000 bytes. A quote that is never closed makes one row of the whole file.
MAX_ROW_BYTES = 256 * 1024
# Three times the enrolments of a school of 100,000 users; a record takes 200 bytes of memory.
MAX_ROWS = 2_000_000
# How often progress is reported: some 20 times a second.
ROWS_PER_TICK = 20_000

_WORDS = {
    "unexpected end of data": "A quote is opened here and never closed.",
    "field larger": "A value is far too long: is a quote opened here and not closed?",
    "',' expected after": "After a closing quote comes neither a comma nor the end of the line.",
    "new-line character seen": "Lines must end with LF or CRLF; this one has a CR alone.",
}


class _Stop(Exception):
    """The rest of the file cannot be read for sure."""


class Sheet:
    """The rows of one file, by the `columns` asked for; one that ends in `?` may be missing, and is empty then."""

    def __init__(
        self,
        file: str,
        stream: BinaryIO,
        columns: Sequence[str],
        problems: Problems,
        tick: Callable[[int], None],
    ) -> None:
        """Read the header; `tick` gets the number of bytes read, in between and at the end."""
        self.file = file
        self.whole = True
        self.faults = 0
        self._stream = stream
        self._problems = problems
        self._tick = tick
        self._row_bytes = self._unticked = 0
        self._reader = csv.reader(self._lines(), strict=True)
        self._width = 0
        self._pick = self._read_header(columns)

    def problem(self, line: int, column: str, message: str) -> None:
        """Report a problem of this file."""
        self.faults += 1
        self._problems.add(self.file, line, column, message)

    def __iter__(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Give each row's line (that of its first character) and its values, without the spaces around them."""
        if not self.whole:
            return
        for number, (line, fields) in enumerate(self._rows()):
            if number == MAX_ROWS:
                self._stop(line, f"The file has more than {MAX_ROWS} rows.")
                return
            if not any(fields):
                continue  # an empty line, or one of commas alone, as spreadsheets leave them at the end
            if len(fields) == self._width:
                fields.append("")
                yield line, [field.strip() for field in self._pick(fields)]
            else:
                self.problem(line, "", f"The row has {len(fields)} values, where the header has {self._width}.")

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read on until the end, or until the rest cannot be known."""
        while True:
            line = self._reader.line_num + 1
            self._row_bytes = 0
            if line % ROWS_PER_TICK == 0:
                self._tell()
            try:
                fields = next(self._reader)
            except StopIteration:
                self._tell()
                return
            except csv.Error as error:
                self._stop(line, _in_words(error))
                return
            except UnicodeDecodeError:
                self._stop(self._reader.line_num + 1, "The text is not UTF-8: export or save the file as “CSV UTF-8”.")
                return
            except (_Stop, OSError) as error:
                self._stop(line, str(error) if isinstance(error, _Stop) else f"The file cannot be read: {error}.")
                return
            yield line, fields

    def _lines(self) -> Iterator[str]:
        encoding = "utf-8-sig"
        for raw in iter(partial(self._stream.readline, MAX_ROW_BYTES + 1), b""):
            self._unticked += len(raw)
            self._row_bytes += len(raw)
            if self._row_bytes > MAX_ROW_BYTES:
                raise _Stop(f"A row has more than {MAX_ROW_BYTES} bytes: is a quote opened here and not closed?")
            if b"\0" in raw:
                raise _Stop("There is a NUL byte, which no text has.")
            yield raw.decode(encoding)
            encoding = "utf-8"

    def _read_header(self, columns: Sequence[str]) -> Callable[[list[str]], tuple[str, ...]]:
        line, header = next(self._rows(), (1, []))
        self._width = len(header)
        names = [name.strip().casefold() for name in header]
        places = [self._place(line, names, column.removesuffix("?")) for column in columns]
        if self.whole:
            self._check_header(
                line, header, [name for name in columns if name[-1] != "?" and name.casefold() not in names]
            )
        return itemgetter(*places)

    def _check_header(self, line: int, header: list[str], missing: list[str]) -> None:
        if not header:
            self._stop(line, "The file is empty; it must have a header.")
        elif missing and any(";" in name for name in header):
            self._stop(line, "Columns must stand apart by commas; this header has semicolons.")
        else:
            for column in missing:
                self._stop(line, "The header does not have this column.", column)

    def _place(self, line: int, names: list[str], column: str) -> int:
        """Find a column; one that is not there is the empty value that stands behind each row."""
        if names.count(column.casefold()) > 1:
            self._stop(line, "The header has this column twice.", column)
        return names.index(column.casefold()) if column.casefold() in names else self._width

    def _stop(self, line: int, message: str, column: str = "") -> None:
        self.whole = False
        self.problem(line, column, message)
        self._tell()

    def _tell(self) -> None:
        self._tick(self._unticked)
        self._unticked = 0


def _in_words(error: csv.Error) -> str:
    text = str(error)
    return next(
        (words for start, words in _WORDS.items() if text.startswith(start)), f"This is not CSV: {shown(text)}."
    )
