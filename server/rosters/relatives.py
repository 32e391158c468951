"""Guardians and relatives: read beside the users, and kept for the office. They get no account and no right.

Who is whose stands in `agentSourcedIds`, of the student or of the relative; many exports fill in one of the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.member import STUDENT
from channels.visible import first_refused
from server.databases.relatives import KeptRelative
from server.rosters.records import MAX_TEXT
from server.rosters.roster import Relative, User
from server.rosters.staging import staged_relatives, staged_users
from server.rosters.steps import Steps

_kept: Table = KeptRelative.__table__  # type: ignore[assignment]

# The roles of both versions of OneRoster that mean one.
KINDS = frozenset({"parent", "guardian", "relative"})


class Relatives:
    """The relatives of one export, and whose agents they are."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}  # name and kind, by sourcedId
        self._agents: list[tuple[str, str]] = []

    def add(self, sourced_id: str, name: str, kind: str, agents: str) -> None:
        """Add one; a name that cannot be shown is no reason to refuse the export."""
        if 0 < len(name) <= MAX_TEXT and first_refused(name) is None:
            self._found[sourced_id] = (name, kind)
            self.link(sourced_id, agents)

    def link(self, sourced_id: str, agents: str) -> None:
        """Note the agents of somebody, as the export lists them."""
        self._agents += ((sourced_id, agent.strip()) for agent in agents.split(",") if agent.strip())

    def of(self, users: Mapping[str, User]) -> list[Relative]:
        """Return those of students who are imported, by student."""
        pairs = {pair for one, other in self._agents for pair in self._pairs(one, other, users)}
        return [Relative(number, sourced_id, *self._found[sourced_id]) for number, sourced_id in sorted(pairs)]

    def _pairs(self, one: str, other: str, users: Mapping[str, User]) -> Iterator[tuple[int, str]]:
        for student, relative in ((one, other), (other, one)):
            user = users.get(student)
            if user is not None and user.role == STUDENT and relative in self._found:
                yield user.number, relative

    def without(self, kept: Sequence[Relative]) -> dict[str, int]:
        """Return how many are nobody's here, by kind."""
        known, left = {each.sourced_id for each in kept}, dict.fromkeys(sorted(KINDS), 0)
        for sourced_id, (_, kind) in self._found.items():
            left[kind] += sourced_id not in known
        return {kind: count for kind, count in left.items() if count}


async def keep_relatives(steps: Steps) -> None:
    """Make the relatives of the staged students those of the roster, some at a time: they give no rights.

    Those of students who have left stay with them.
    """
    numbers = range(0)
    async with steps.reading() as db:
        if await db.scalar(select(or_(_gone().exists(), _new().exists()))):
            numbers = range((await db.scalar(select(func.max(staged_users.c.number))) or 0) + 1)

    async def bring(db: AsyncSession, some: range) -> None:
        within = staged_users.c.number.between(some.start, some.stop - 1)
        gone = _gone().where(within).subquery()
        same = (_kept.c.user_id == gone.c.user_id) & (_kept.c.sourced_id == gone.c.sourced_id)
        await db.execute(delete(_kept).where(exists().where(same)))
        await db.execute(insert(_kept).from_select(["user_id", "sourced_id", "name", "kind"], _new().where(within)))

    await steps.in_batches(numbers, bring)


def _gone() -> Select[Any]:
    """Return the kept relatives of staged students that are not staged as they are kept."""
    staged = exists().where(staged_relatives.c.student == staged_users.c.number, *_same())
    return (
        select(_kept.c.user_id, _kept.c.sourced_id)
        .join(staged_users, staged_users.c.user_id == _kept.c.user_id)
        .where(~staged)
    )


def _new() -> Select[Any]:
    """Return the staged relatives that are not kept as they are staged."""
    columns = [staged_relatives.c[name] for name in ("sourced_id", "name", "kind")]
    known = exists().where(_kept.c.user_id == staged_users.c.user_id, *_same())
    rows = select(staged_users.c.user_id, *columns).select_from(staged_relatives)
    return rows.join(staged_users, staged_users.c.number == staged_relatives.c.student).where(~known)


def _same() -> list[ColumnElement[bool]]:
    return [_kept.c[name] == staged_relatives.c[name] for name in ("sourced_id", "name", "kind")]
