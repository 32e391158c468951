"""Which topics have moved since one asked last, in time that depends on how many have, not on how many there are.

Each transaction stamps the counters that it advances (`topics.moved`). The stamps need not be in commit order: the
number to ask with next is below the stamp of every transaction that the answer cannot see yet.

* SQLite has one writer at a time, so a stamp that counts transactions is in commit order.
* PostgreSQL commits side by side, and a transaction may commit after one with a higher id. The stamp is the
  transaction's id, and the next number is `pg_snapshot_xmin`: all transactions below it have ended.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import TextClause, text

from channels.journal.file_version import Version

_SQLITE = """
    SELECT ended.until, moved.name, moved.seq FROM (SELECT coalesce(max(moved), 0) + 1 AS until FROM topics) AS ended
    LEFT JOIN topics AS moved ON moved.moved >= :since
"""
# A stamp from before a restore into another cluster may be higher than any id here: it is no move.
_POSTGRESQL = """
    SELECT ended.until, moved.name, moved.seq FROM (
        SELECT pg_snapshot_xmin(now)::text::bigint AS until, pg_snapshot_xmax(now)::text::bigint AS beyond
        FROM pg_current_snapshot() AS now
    ) AS ended LEFT JOIN topics AS moved ON moved.moved >= :since AND moved.moved < ended.beyond
"""
_QUERIES = {"sqlite": text(_SQLITE), "postgresql": text(_POSTGRESQL)}

# Above every stamp: nothing has moved since then.
_NEVER = 2**63 - 1


class Moves(msgspec.Struct, frozen=True):
    """The topics that have moved, with the positions of their newest events, and the number to ask with `next`.

    A topic that has not moved since may be among them. `version` is the file's before the query, so all that was
    committed up to it is here; None where there is no file.
    """

    heads: dict[str, int]
    next: int
    version: Version | None = None


def moves_query(dialect: str, since: int | None) -> TextClause:
    """Return the query for what has moved since a number that `Moves.next` gave; None: since this query."""
    return _QUERIES[dialect].bindparams(since=_NEVER if since is None else since)


def moves(rows: Iterable[Any], version: Version | None) -> Moves:
    """Return what the rows of `moves_query` say, which was asked at a version of the file."""
    rows = list(rows)
    return Moves({row.name: row.seq for row in rows if row.name is not None}, rows[0].until, version)
