"""Tables as CSV: no cell is read as a formula, and Excel reads them as UTF-8."""

import pytest

from server.spreadsheet import as_csv, as_text


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@x", "\t=1", "\rx", "\tx", "\nx", " =1", "＝1", "＋1", "－1", "＠x", "﹦1", "\u3000＝1"]
)
def test_cell_that_could_be_a_formula_becomes_text(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ana", "1º A", "a=b", "Zé-Maria", "1+1", "'=", "安娜"])
def test_other_cells_stay(cell: str) -> None:
    assert as_text(cell) == cell


def test_table_begins_with_a_byte_order_mark_and_quotes_what_it_must() -> None:
    table = as_csv(["Name", "Minutes"], [["Souza, Ana", 40], ["=x", 0]])
    assert table == b'\xef\xbb\xbfName,Minutes\r\n"Souza, Ana",40\r\n\'=x,0\r\n'
