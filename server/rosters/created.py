"""Which rows an import has created: the ranges of ids that it gave, since new ids are above all earlier ones."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.rosters.compare import Kind


class Created(msgspec.Struct):
    """The last id before, and the last one after, by the name of the kind."""

    ranges: dict[str, tuple[int, int]] = {}

    def holds(self, kind: str, column: Any) -> ColumnElement[bool]:
        """Return the condition that an id is in the range; what others created meanwhile has no `sourced_id`."""
        first, last = self.ranges.get(kind, (0, 0))
        return and_(column > first, column <= last) if last > first else false()


async def last_id(db: AsyncSession, kind: Kind) -> int:
    """Return the highest id of a table now."""
    return await db.scalar(select(func.max(kind.table.c.id))) or 0
