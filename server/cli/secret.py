"""Prints what is shown only once: one-time codes and tokens.

The output must be safe before the database changes. Otherwise a full disk or a closed pipe loses both: the new codes
that nobody has read, and the old ones that they make invalid.
"""

import io
import os
import stat
import sys
from typing import BinaryIO

from server.accounts.refusals import UserError

# A spreadsheet takes a file for UTF-8 only with this mark; in a pipe it would be part of the first value.
_MARK = "\ufeff".encode()


def print_secrets(text: str, *, is_sheet: bool = False) -> None:
    """Write to the standard output until it is out of this process, and on the disk if it goes into a file.

    A sheet begins with a byte order mark where it begins a file. Raise UserError where the output fails.
    """
    if sys.stdout is None:  # closed by the caller (`>&-`)
        raise UserError("There is no output to write to: nothing was changed.")
    try:
        _write(sys.stdout.buffer, text, is_sheet=is_sheet)
    except OSError as error:
        _forget_output()
        reason = error.strerror or str(error)
        raise UserError(
            f"The output cannot be written ({reason}): nothing was changed, and none of it is valid."
        ) from error


def _write(output: BinaryIO, text: str, *, is_sheet: bool) -> None:
    is_file = _is_file(output)
    if is_sheet and is_file and os.fstat(output.fileno()).st_size == 0:
        output.write(_MARK)
    output.write(text.encode())
    output.flush()
    if is_file:
        os.fsync(output.fileno())


def _is_file(output: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(output.fileno()).st_mode)
    except io.UnsupportedOperation:  # there is no file underneath, as in tests
        return False


def _forget_output() -> None:
    """Drop what could not be written: Python would try again at its end, and complain."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
