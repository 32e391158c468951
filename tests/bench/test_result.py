"""The median, percentiles and tables of results."""

from bench.result import machine, middle, percentile, table


def test_middle_of_an_even_number_is_the_lesser() -> None:
    assert [middle(values, float) for values in ([3, 1, 2], [4, 1, 3, 2], [7])] == [2, 2, 7]


def test_percentile_of_sorted_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1.0, 51.0, 100.0, 100.0]
    assert percentile([], 99) == 0.0


def test_table_is_markdown() -> None:
    assert table(["a", "b"], [["x", 1]]) == "| a | b |\n| --- | --- |\n| x | 1 |"


def test_machine_has_its_properties() -> None:
    described = machine()
    assert described["cores"] >= 1
    assert described["memory_gib"] >= 1
    assert described["processor"]
