"""Executes a query that is made once straight on SQLite's driver, and returns rows as SQLAlchemy does.

    query -> compiled, once          values -> SQL with a place for each item of a list -> the driver -> named tuples

SQLAlchemy makes a context, a key for its cache, a result and its metadata for each, which takes several times as
long as SQLite does. Those who come to a server that has just started wait for two to five such queries each.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, SelectBase
from sqlalchemy.exc import DBAPIError


def _row_type(names: Sequence[str]) -> Any:
    return namedtuple("Row", names, rename=True)


class FixedQuery:
    """A query with named places, compiled for SQLite; its values are numbers, texts, bytes, and lists of these.

    The driver gets them as they are.
    """

    def __init__(self, query: SelectBase, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: Any = query.compile(dialect=dialect)
        columns = query.selected_columns
        # Some names are Python's own or come twice: those get numbers.
        self._row = _row_type(columns.keys())
        found = [each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns]
        self._processors = [(place, process) for place, process in enumerate(found) if process is not None]

    def rows(self, connect: Callable[[], Any], values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the rows, read on the connection of a pool; raises what SQLAlchemy raises."""
        expanded = self._compiled.construct_expanded_state(values)
        try:
            pooled = connect()
            try:
                rows = pooled.driver_connection.execute(expanded.statement, expanded.positional_parameters).fetchall()
            finally:
                pooled.close()
        except sqlite3.Error as error:
            raise DBAPIError.instance(expanded.statement, None, error, sqlite3.Error, dialect=self._dialect) from error
        return [self._row(*self._processed(row)) for row in rows]

    def _processed(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._processors:
            return row
        values = list(row)
        for place, process in self._processors:
            values[place] = process(values[place])
        return values
