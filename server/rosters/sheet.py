"""One CSV file (RFC 4180), row by row, where everything wrong is a problem with its line and never an exception.

Lenient about what is plain: a byte order mark, UTF-16 with one, LF or CRLF, semicolons or tabs instead of commas, the
line `sep=;` of Excel, columns in any order and more of them than are needed, empty lines, spaces around a value, empty
values that a row ends without, and the Ctrl-Z that DOS ends a file with. What makes the rest of a file uncertain ends
its reading: text in another encoding, a quote that is never closed. `whole` then says that not all of it is known;
`faults` counts the problems reported.
"""

import csv
import io
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, BinaryIO

from server.rosters.problems import Problems, shown

# A row of an export has under 2,000 bytes. A quote that is never closed makes one row of the whole file.
MAX_ROW_BYTES = 256 * 1024
# Three times the enrolments of a school of 100,000 users; a record takes 200 bytes of memory.
MAX_ROWS = 2_000_000
# How often progress is reported: some 20 times a second.
ROWS_PER_TICK = 20_000

# The first bytes, which show how a file is written. A header of an export has under 400.
_HEAD_BYTES = 1_024
# How much of a file in UTF-16 is decoded at once: as much as a row may have.
_PIECE_BYTES = MAX_ROW_BYTES
_SEPARATORS = ",;\t"
_CTRL_Z = b"\x1a"

_WORDS = {
    "unexpected end of data": "A quote is opened here and never closed.",
    "field larger": "A value is far too long: is a quote opened here and not closed?",
    "'": "After a closing quote comes neither a separator nor the end of the line.",
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
        self._stream: io.BufferedReader[Any] = _buffered(stream)
        self._problems = problems
        self._tick = tick
        self._row_bytes = self._unticked = 0
        self._error: OSError | None = None
        try:
            self._is_utf16, separator, self._names_separator = _look(self._stream)
        except OSError as error:  # a damaged zip fails once, and then seems to be at its end
            self._error, self._is_utf16, separator, self._names_separator = error, False, ",", False
        self._reader = csv.reader(self._lines(), strict=True, delimiter=separator)
        self._width = self._least = 0
        self._pick = self._read_header(columns)

    def problem(self, line: int, column: str, message: str) -> None:
        """Report a problem of this file."""
        self.faults += 1
        self._problems.add(self.file, line, column, message)

    def remark(self, what: str, line: int, column: str, message: str) -> None:
        """Remark on something of this file that does not stop the import."""
        self._problems.remarks.add(what, self.file, line, column, message)

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
            if row := fields if len(fields) == self._width else self._fit(line, fields):
                row.append("")
                yield line, [field.strip() for field in self._pick(row)]

    def _fit(self, line: int, fields: list[str]) -> list[str]:
        """Return a row of another width as long as the header, or nothing after reporting that something is wrong."""
        message = f"The row has {len(fields)} values, where the header has {self._width}."
        if len(fields) < self._least or any(fields[self._width :]):
            self.problem(line, "", message)
            return []
        self.remark("rows without their last empty values, or with more", line, "", message)
        return [*fields[: self._width], *[""] * (self._width - len(fields))]

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
        for raw in self._raw_lines():
            self._row_bytes += len(raw)
            if self._row_bytes > MAX_ROW_BYTES:
                raise _Stop(f"A row has more than {MAX_ROW_BYTES} bytes: is a quote opened here and not closed?")
            if b"\0" in raw:
                raise _Stop("There is a NUL byte, which no text has: export or save the file as “CSV UTF-8”.")
            # Only the last line has no end.
            yield (raw if raw.endswith(b"\n") else raw.rstrip(_CTRL_Z)).decode(encoding)
            encoding = "utf-8"

    def _raw_lines(self) -> Iterator[bytes]:
        """Give the lines in UTF-8; a longer one than is allowed comes in pieces."""
        if self._error:
            raise self._error
        if not self._is_utf16:
            for raw in iter(partial(self._stream.readline, MAX_ROW_BYTES + 1), b""):
                self._unticked += len(raw)
                yield raw
            return
        rest, decoder = "", getincrementaldecoder("utf-16")()
        for data in iter(partial(self._stream.read, _PIECE_BYTES), b""):
            self._unticked += len(data)
            *lines, rest = (rest + decoder.decode(data)).split("\n")
            yield from (f"{line}\n".encode() for line in lines)
            if len(rest) > MAX_ROW_BYTES:
                yield rest.encode()
                rest = ""
        yield (rest + decoder.decode(b"", final=True)).encode()

    def _read_header(self, columns: Sequence[str]) -> Callable[[list[str]], tuple[str, ...]]:
        line, header = next(self._rows(), (1, []))
        if self._names_separator:
            line, header = next(self._rows(), (2, []))
        self._width = len(header)
        names = [name.strip().casefold() for name in header]
        places = [self._place(line, names, column.removesuffix("?")) for column in columns]
        needed = [name for name in columns if name[-1] != "?"]
        if self.whole:
            self._check_header(line, header, [name for name in needed if name.casefold() not in names])
        self._least = 1 + max((names.index(name.casefold()) for name in needed if name.casefold() in names), default=0)
        return itemgetter(*places)

    def _check_header(self, line: int, header: list[str], missing: list[str]) -> None:
        if not header:
            self._stop(line, "The file is empty; it must have a header.")
        for column in missing if header else ():
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


def _buffered(stream: BinaryIO) -> "io.BufferedReader[Any]":
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)


def _look(stream: "io.BufferedReader[Any]") -> tuple[bool, str, bool]:
    """Return whether a file is in UTF-16, what separates its values, and whether its first line only names that."""
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    is_utf16 = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    lines = head.decode("utf-16" if is_utf16 else "utf-8-sig", "ignore").splitlines()
    first = lines[0] if lines else ""
    if named := re.fullmatch(rf'"?sep=([{_SEPARATORS}])"?', first, re.IGNORECASE):
        return is_utf16, named[1], True
    return is_utf16, max(_SEPARATORS, key=first.count), False
