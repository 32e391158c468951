"""Splits long lists of values into parts that fit into one statement."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

# SQLite and asyncpg take about 32,000 parameters in one statement.
AT_ONCE = 1_000

_T = TypeVar("_T")


def batches(values: Iterable[_T], size: int = AT_ONCE) -> Iterator[list[_T]]:
    """Yield the values in lists of at most `size`."""
    waiting = iter(values)
    while some := list(islice(waiting, size)):
        yield some
