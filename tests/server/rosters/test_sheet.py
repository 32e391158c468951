import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.rosters.problems import Problem, Problems, RosterErrors
from server.rosters.sheet import MAX_ROW_BYTES, Sheet


def rows(text: str | bytes, *columns: str) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Read a whole file; return its rows and its problems."""
    problems = Problems()
    stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    sheet = Sheet("a.csv", stream, columns or ("x", "y"), problems, lambda _: None)
    found = [(line, list(values)) for line, values in sheet]
    told = _told(problems)
    assert sheet.faults == len(told)
    assert sheet.whole or told
    return found, told


def _told(problems: Problems) -> list[Problem]:
    try:
        problems.check()
    except RosterErrors as refused:
        return list(refused.problems)
    return []


def refusal(text: str | bytes, *columns: str) -> tuple[int, str]:
    """Read a file with one problem; return its place and message."""
    _, [problem] = rows(text, *columns)
    return problem.line, problem.message


PLAIN: tuple[list[tuple[int, list[str]]], list[Problem]] = ([(2, ["1", "2"]), (3, ["3", "4"])], [])


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,4\n",
        "x,y\r\n1,2\r\n3,4",
        "\ufeffx,y\n1,2\n3,4\n",
        '\ufeff"x","y"\n"1","2"\n"3","4"\n',
        "X, Y\n1 , 2\n3,4\n",
        "y,other,x\n2,?,1\n4,?,3\n",
        "x,y\n1,2\n3,4\n\n\n",
        "x,y\n1,2\n3,4\n,\n,\n",
        "x;y\n1;2\n3;4\n",
        "x\ty\r\n1\t2\r\n3\t4\r\n",
        "x,y\n1,2\n3,4\n\x1a",
        "x,y\r\n1,2\r\n3,4\x1a\x1a",
        "\ufeffx\ty\r\n1\t2\r\n3\t4\r\n".encode("utf-16-le"),
        "x,y\n1,2\n3,4".encode("utf-16"),
        "\ufeffx,y\n1,2\n3,4\n".encode("utf-16-be"),
    ],
    ids=[
        *("LF", "CRLF", "mark", "mark and quotes", "blanks", "order", "empty lines", "lines of commas", "semicolons"),
        *("tabs", "Ctrl-Z", "Ctrl-Z after a value", "UTF-16 as Excel writes it", "UTF-16", "big-endian UTF-16"),
    ],
)
def test_csv_variants_are_read_alike(text: str | bytes) -> None:
    assert rows(text) == PLAIN


def test_line_numbers_include_multiline_values() -> None:
    assert rows('x,y\r\n"a\r\nb\r\nc",1\r\nd,2\r\n') == ([(2, ["a\r\nb\r\nc", "1"]), (5, ["d", "2"])], [])


def test_doubled_quotes_in_a_value_are_read() -> None:
    assert rows('x,y\n"say ""yes"", please",2\n') == ([(2, ['say "yes", please', "2"])], [])


def test_missing_optional_column_is_empty() -> None:
    assert rows("x\n1\n", "x", "y?") == ([(2, ["1", ""])], [])


def test_every_missing_column_is_reported() -> None:
    _, problems = rows("z\n1\n")
    assert [(problem.line, problem.column) for problem in problems] == [(1, "x"), (1, "y")]


def test_duplicate_column_is_refused() -> None:
    assert refusal("x,y,X\n1,2,3\n") == (1, "The header has this column twice.")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_may_be_named_in_the_first_line(separator: str) -> None:
    text = f"\ufeffsep={separator}\r\nx,y\r\n1,2\r\n".replace(",", separator)
    assert rows(text) == ([(3, ["1", "2"])], [])
    assert rows(text[1:].encode("utf-16")) == ([(3, ["1", "2"])], [])


def test_empty_file_is_reported() -> None:
    assert "empty" in refusal("")[1]


def test_trailing_empty_values_may_be_missing_or_too_many() -> None:
    problems = Problems()
    sheet = Sheet("a.csv", io.BytesIO(b"x,y,z,w\n1,2\n3,4,5\n6,7,8,9,,\n"), ("x", "y", "w?"), problems, lambda _: None)
    assert [list(values) for _, values in sheet] == [["1", "2", ""], ["3", "4", ""], ["6", "7", "9"]]
    [remark] = problems.remarks.all()
    assert (remark.what, remark.times) == ("rows without their last empty values, or with more", 3)
    assert str(remark.places[0]) == "a.csv:2: The row has 2 values, where the header has 4."


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_reports_row_of_wrong_width_and_reads_on(row: str) -> None:
    found, [problem] = rows(f"x,y\n{row}\n3,4\n")
    assert found == [(3, ["3", "4"])]
    assert problem.line == 2


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('x,y\n1,2\n"3,4\n5,6\n', 3, "never closed"),
        ('x,y\n1,2\n"3"4,5\n', 3, "closing quote"),
        ("x,y\r1,2\r", 1, "CR alone"),
        ("x,y\n1,2\n3,\0\n", 3, "NUL"),
        (b"x,y\n1,2\n3,\xe7\n", 3, "UTF-8"),
        (b'x,y\n1,2\n"3\n\xe7",4\n', 4, "UTF-8"),
        ("x,y\n1,2\n".encode("utf-16-le"), 1, "CSV UTF-8"),
        ("x,y\n1,2\n".encode("utf-16")[:-1], 2, "UTF-8"),
        ('x,y\n1,2\n"' + "a" * 140_000 + '",4\n', 3, "far too long"),
        ("x,y\n1,2\n" + "a" * MAX_ROW_BYTES + "\n", 3, "bytes"),
        ('x,y\n1,2\n"' + "a\n" * MAX_ROW_BYTES + "\n", 3, ""),
        ("x,y\n1,2\n1" + "," * MAX_ROW_BYTES, 3, "bytes"),
    ],
)
def test_error_that_stops_reading_is_reported_with_its_line(text: str | bytes, line: int, words: str) -> None:
    found, message = refusal(text)
    assert found == line
    assert words in message


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.rosters.sheet.MAX_ROWS", 2)
    assert rows("x,y\n1,2\n3,4\n") == PLAIN
    assert refusal("x,y\n1,2\n3,4\n5,6\n7,8\n") == (4, "The file has more than 2 rows.")


def test_read_error_of_a_file_is_reported() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object, /) -> int:
            raise OSError("the disk is gone")

    problems = Problems()
    assert list(Sheet("a.csv", io.BufferedReader(Broken()), ("x", "y"), problems, lambda _: None)) == []
    with pytest.raises(RosterErrors, match="the disk is gone"):
        problems.check()


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=2, max_size=2)
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_written_by_python_is_read_back(values: list[list[str]], quoting: int, end: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator=end).writerows([["x", "y"], *values])  # type: ignore[arg-type]
    found, problems = rows(file.getvalue())
    assert not problems
    assert [row for _, row in found] == [[value.strip() for value in row] for row in values if any(row)]
