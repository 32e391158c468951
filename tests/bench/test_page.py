"""Results replace the text between their own marks in a page and nothing else."""

from bench.page import described, put

TEXT = "A\n\n<!-- fanout -->\n\nold\n\n<!-- /fanout -->\n\nB\n\n<!-- idle -->\n\nkept\n\n<!-- /idle -->\n"


def test_text_between_the_marks_is_replaced() -> None:
    new = put(TEXT, "fanout", r"| a \1 |")
    assert new == TEXT.replace("old", r"| a \1 |")


def test_page_without_the_marks_is_unchanged() -> None:
    assert put(TEXT, "storm", "new") == TEXT


def test_machine_is_described_in_one_line() -> None:
    machine = {
        "date": "2026-11-25",
        "cores": 2,
        "processor": "AMD EPYC",
        "memory_gib": 23,
        "kernel": "6.18",
        "python": "3.11.7",
        "load_average": 1.04,
    }
    assert described(machine) == (
        "2026-11-25, 2 cores of AMD EPYC, 23 GiB, Linux 6.18, Python 3.11.7; load average at the end 1.0."
    )
