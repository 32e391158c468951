import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server import rosters
from server.rosters import archive, source
from tests.server.rosters.exports import TODAY, export_12, problems_of, write_zip


def read(path: Path) -> rosters.Roster:
    return rosters.read(path, today=TODAY)


def messages(path: Path) -> str:
    """Return the messages of a zip's problems, which must all name the zip."""
    problems = problems_of(path)
    assert {problem.file for problem in problems} == {path.name}
    return "\n".join(problem.message for problem in problems)


@pytest.fixture
def school(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "school.zip", dict(export_12()))


def with_entry(path: Path, name: str, text: str = "", **attributes: int) -> Path:
    """Add an entry to a zip, as a malicious program would."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    for attribute, value in attributes.items():
        setattr(entry, attribute, value)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(entry, text)
    return path


def test_zip_may_have_one_top_folder_and_macos_files(tmp_path: Path, school: Path) -> None:
    files = {f"escola/{name}": text for name, text in export_12().items()}
    extra = {"__MACOSX/escola/._users.csv": "?", "__MACOSX/._manifest.csv": "?", "escola/demographics.csv": "?"}
    assert read(write_zip(tmp_path / "folder.zip", {**files, **extra})) == read(school)


def test_file_names_ignore_case(tmp_path: Path, school: Path) -> None:
    files = {name.upper(): text for name, text in export_12().items()}
    assert read(write_zip(tmp_path / "upper.zip", dict(files))) == read(school)


@pytest.mark.parametrize(
    "name", ["../users.csv", "..\\users.csv", "/etc/passwd", "a/../../b", "a\\..\\..\\b", "C:/users.csv"]
)
def test_path_outside_the_archive_is_refused(school: Path, name: str) -> None:
    assert "leads out of the zip" in messages(with_entry(school, name))


def test_invalid_file_name_is_refused(school: Path) -> None:
    with_entry(school, "users.csv__txt")
    wrong = b"users.csv\0.txt"[: len("users.csv__txt")]
    school.write_bytes(school.read_bytes().replace(b"users.csv__txt", wrong))
    assert "characters that no file name has" in messages(school)


def test_an_entry_without_a_name_is_refused(school: Path) -> None:
    data = bytearray(school.read_bytes())
    first = data.index(b"PK\x01\x02")
    data[first + 28 : first + 34] = struct.pack("<HHH", 0, 0, len("manifest.csv"))
    school.write_bytes(data)
    assert "has no name" in messages(school)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_is_refused(school: Path, kind: int) -> None:
    path = with_entry(school, "link.csv", "/etc/passwd", external_attr=(kind | 0o777) << 16)
    assert "is a link or a device" in messages(path)


def test_an_encrypted_zip_is_refused(school: Path) -> None:
    data = bytearray(school.read_bytes())
    for place in _find_all(data, b"PK\x01\x02"):
        data[place + 8] |= 1
    school.write_bytes(data)
    assert messages(school).count("is encrypted") == len(export_12())


def _find_all(data: bytes | bytearray, signature: bytes) -> list[int]:
    return [place for place in range(len(data)) if data[place : place + 4] == signature]


def test_refuses_file_with_excessive_compression_ratio(school: Path) -> None:
    bomb = "0" * (archive.RATIO_FREE_BYTES + 1)
    assert "unpacks to more than 100 times its size" in messages(with_entry(school, "bomb.csv", bomb))


def test_file_with_too_large_declared_size_is_refused(school: Path) -> None:
    claim_size(school, source.MAX_FILE_BYTES + 1)
    assert f"is too large: {source.MAX_FILE_BYTES + 1} bytes" in messages(school)


def claim_size(path: Path, size: int) -> None:
    """Set the declared size of every entry of a zip."""
    data = bytearray(path.read_bytes())
    for place in _find_all(data, b"PK\x01\x02"):
        data[place + 20 : place + 28] = struct.pack("<II", size, size)
    path.write_bytes(data)


def test_refuses_zip_whose_total_size_is_too_large(school: Path) -> None:
    claim_size(school, source.MAX_FILE_BYTES)
    assert f"The zip unpacks to {8 * source.MAX_FILE_BYTES} bytes" in messages(school)


def test_refuses_zip_whose_files_exceed_declared_sizes(school: Path) -> None:
    claim_size(school, 30)
    problems = problems_of(school)
    assert {problem.file for problem in problems} == {"manifest.csv"}
    assert "cannot be read" in problems[0].message


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    files = {f"{number}.txt": "" for number in range(source.MAX_ENTRIES + 1)}
    assert "1001 entries, where 1000 are allowed" in messages(write_zip(tmp_path / "many.zip", dict(files)))


def test_does_not_read_oversized_zip_directory(tmp_path: Path) -> None:
    files = {f"{number}-{'n' * 200}.txt": "" for number in range(1200)}
    assert "longer than 262144 bytes" in messages(write_zip(tmp_path / "many.zip", dict(files)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_method_is_refused(school: Path, method: int) -> None:
    assert "other than “deflate”" in messages(with_entry(school, "a.csv", "text", compress_type=method))


def test_duplicate_file_in_a_zip_is_refused(school: Path) -> None:
    assert messages(with_entry(school, "USERS.csv", "x")) == "The zip has users.csv twice."


def test_several_exports_in_one_zip_are_refused(tmp_path: Path) -> None:
    files = {f"{folder}/{name}": text for folder in "ab" for name, text in export_12().items()}
    assert "holds 2 exports" in messages(write_zip(tmp_path / "two.zip", dict(files)))


@pytest.mark.parametrize("folder", ["a/b/", "export/2026/06/", "export\\", "export\\2026\\"])
def test_export_may_be_in_nested_folders(tmp_path: Path, school: Path, folder: str) -> None:
    files = {f"{folder}{name}": text for name, text in export_12().items()}
    assert read(write_zip(tmp_path / "deep.zip", {folder: "", **files})) == read(school)


def test_export_in_too_deep_folders_is_not_found(tmp_path: Path) -> None:
    files = {f"a/b/c/d/{name}": text for name, text in export_12().items()}
    [problem] = problems_of(write_zip(tmp_path / "deep.zip", dict(files)))
    assert problem.file == "manifest.csv"


def flip_last_byte_of_users(data: bytearray) -> None:
    place = data.index(b"users.csv") + len(b"users.csv") + 40
    data[place] ^= 0xFF


def cut_the_end(data: bytearray) -> None:
    del data[-30:]


def replace_all(data: bytearray) -> None:
    data[:] = b"this is not a zip"


@pytest.mark.parametrize("harm", [flip_last_byte_of_users, cut_the_end, replace_all])
def test_damaged_zip_is_reported(school: Path, harm: Callable[[bytearray], None]) -> None:
    data = bytearray(school.read_bytes())
    harm(data)
    school.write_bytes(data)
    assert "read" in problems_of(school)[0].message


def test_refuses_text_in_zip_that_is_not_utf8(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {**export_12()}
    files["orgs.csv"] = export_12()["orgs.csv"].replace("Vale", "Grão").encode("latin-1")
    [problem] = problems_of(write_zip(tmp_path / "latin.zip", files))
    assert (problem.file, problem.line) == ("orgs.csv", 2)
    assert "UTF-8" in problem.message
