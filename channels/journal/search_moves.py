"""How the index of texts moves on in topics: a bounded number of positions in one step."""

from collections.abc import Iterable
from typing import NamedTuple

# Positions that one transaction passes. On SQLite writers wait for it meanwhile, 2 ms; on PostgreSQL the event loop
# makes and reads its rows.
AT_ONCE = 100


class Move(NamedTuple):
    """That the index moves on in a topic, from a position to a later one."""

    topic_id: int
    after: int
    before: int


def next_moves(behind: Iterable[tuple[int, str, int, int]]) -> tuple[list[Move], list[str]]:
    """Return how the index moves on in one step, and the topics that have more.

    `behind` has the id and name of each topic, the position that the index has reached, and that of the newest event.
    """
    moves, more, left = [], [], AT_ONCE
    for topic_id, name, reached, head in behind:
        after = min(head, reached + left)
        if after > reached:
            moves.append(Move(topic_id, after, reached))
            left -= after - reached
        if after < head:
            more.append(name)
    return moves, more
