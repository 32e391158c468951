"""An export in a zip. The file is not trusted: all its metadata is checked before a byte is unpacked.

Nothing is written to disk, so a path that leads out of the folder would do no harm; it is refused all the same, because
no export has one.
"""

import io
import stat
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

from server.rosters.problems import Problems, shown
from server.rosters.source import MANIFEST, MAX_DEPTH, MAX_ENTRIES, MAX_FILE_BYTES, proper_name, several

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The list of the entries: 1,000 of them with names of 200 characters. Python reads all of it before one can count.
MAX_DIRECTORY_BYTES = 256 * 1024
# The files of a school of 100,000 users have 170 MB; grades and resources, which are not read, may triple it.
MAX_TOTAL_BYTES = 2 * 1024 * 1024 * 1024
# Exports shrink 3 to 20 times; deflate at its most, on a bomb, 1,032 times.
MAX_RATIO = 100
# A smaller file harms nobody, however much it shrank: a header and a thousand equal lines may.
RATIO_FREE_BYTES = 1024 * 1024

# Unpacked at a time: with io's own 8 KiB, reading a large file takes half as long again.
BUFFER_BYTES = 64 * 1024

# What zipfile and zlib raise on bytes that are not what they seem.
_DAMAGE: tuple[type[Exception], ...] = (BadZipFile, LargeZipFile, struct.error, zlib.error, OSError, EOFError)
_DAMAGE += (NotImplementedError, RuntimeError, ValueError, OverflowError, IndexError)
# Flags of the zip format (APPNOTE 4.4.4): encrypted, strongly encrypted, directory encrypted.
_ENCRYPTED = 0x1 | 0x40 | 0x2000


class Archive:
    """The files in a zip, in the one folder with a manifest."""

    def __init__(self, path: Path, problems: Problems) -> None:
        """Open and check; what is wrong goes to `problems`, and then nothing may be read. Raise OSError as `open`."""
        self._file = path.open("rb")
        self._zip: ZipFile | None = None
        self._entries: dict[str, ZipInfo] = {}
        try:
            self._zip = ZipFile(_Bounded(self._file))
        except _DAMAGE as error:
            problems.add(path.name, 0, "", f"This is not a zip that can be read: {error}.")
        else:
            self._check(path.name, self._zip.infolist(), problems)
        self.sizes = {name: entry.file_size for name, entry in self._entries.items()}

    def _check(self, zip_name: str, entries: list[ZipInfo], problems: Problems) -> None:
        if len(entries) > MAX_ENTRIES:
            problems.add(zip_name, 0, "", f"The zip has {len(entries)} entries, where {MAX_ENTRIES} are allowed.")
            return
        faults = [(entry.orig_filename, message) for entry in entries for message in _faults(entry)]
        for name, message in faults:
            problems.add(zip_name, 0, "", f"The entry {shown(name)} {message}.")
        total = sum(entry.file_size for entry in entries)
        if total > MAX_TOTAL_BYTES:
            problems.add(zip_name, 0, "", f"The zip unpacks to {total} bytes, where {MAX_TOTAL_BYTES} are allowed.")
        if not faults:
            self._entries = _find(zip_name, entries, problems)

    def open(self, name: str) -> BinaryIO:
        """Open one of the files; reading raises OSError where its bytes are damaged."""
        assert self._zip is not None
        try:
            return io.BufferedReader(_Entry(self._zip.open(self._entries[name])), BUFFER_BYTES)
        except _DAMAGE as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close the zip."""
        if self._zip is not None:
            self._zip.close()
        self._file.close()


def _faults(entry: ZipInfo) -> Iterable[str]:
    path = _path(entry)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not path.parts or entry.filename != entry.orig_filename:
        yield "has no name, or one with characters that no file name has"
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        yield "has a path that leads out of the zip"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield "is a link or a device, not a file"
    if entry.flag_bits & _ENCRYPTED:
        yield "is encrypted: make the zip without a password"
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        yield "is packed in a way other than “deflate”, which every program that makes zips has"
    if entry.file_size > MAX_FILE_BYTES:
        yield f"is too large: {entry.file_size} bytes, where {MAX_FILE_BYTES} are allowed"
    elif entry.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * entry.compress_size):
        yield f"unpacks to more than {MAX_RATIO} times its size, as no export does"


def _find(zip_name: str, entries: list[ZipInfo], problems: Problems) -> dict[str, ZipInfo]:
    """Find the files of the export in the folder where its manifest stands."""
    folders = {_folder(entry) for entry in entries if _is_wanted(entry) and _name(entry) == MANIFEST}
    if len(folders) > 1:
        problems.add(zip_name, 0, "", several("zip", len(folders)))
        return {}
    found: dict[str, ZipInfo] = {}
    for entry in entries:
        if (name := _name(entry)) and _is_wanted(entry) and _folder(entry) in folders:
            if name in found:
                problems.add(zip_name, 0, "", f"The zip has {name} twice.")
            found[name] = entry
    return found


def _name(entry: ZipInfo) -> str | None:
    return proper_name(_path(entry).name)


def _folder(entry: ZipInfo) -> str:
    return str(_path(entry).parent)


def _path(entry: ZipInfo) -> PurePosixPath:
    """Return the path of an entry; some programs on Windows write it with backslashes."""
    return PurePosixPath(entry.filename.replace("\\", "/"))


def _is_wanted(entry: ZipInfo) -> bool:
    """Return whether an entry is a file, not too deep, and none of macOS' notes on files."""
    parts = _path(entry).parts
    is_folder = entry.filename.endswith(("/", "\\"))
    return not is_folder and len(parts) <= MAX_DEPTH + 1 and parts[0] != "__MACOSX"


class _Bounded:
    """A zip's file that refuses a read longer than the largest accepted directory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise BadZipFile(f"its list of entries is longer than {MAX_DIRECTORY_BYTES} bytes")
        return self._file.read(MAX_DIRECTORY_BYTES if size < 0 else size)


class _Entry(io.RawIOBase):
    """The unpacked bytes of an entry, where damage is an OSError as in any file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._bytes = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self._bytes.read(len(view))
        except _DAMAGE as error:
            raise OSError(str(error)) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._bytes.close()
        super().close()
