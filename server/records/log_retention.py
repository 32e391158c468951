"""Deletes what is older than the school keeps it from the audit log, and from the accounts when people signed in.

    sign_ins   who signed in, from which device and internet address; and when somebody did so last
    log        everything else that is recorded: who changed or looked up what

The records by or about a person under a legal hold, or about a class under one, stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.topics.kind import class_staff_topic, class_topic
from server.databases import Databases, reading, writing
from server.databases.accounts import Account
from server.databases.audit import AuditRecord
from server.databases.holds import Held

# The kinds of record that say from where somebody used an account.
SIGN_INS = (
    "sign-in:made",
    "sign-in:ended",
    "sign-in:refused",
    "badge:used",
    "password:chosen",
    "password:changed",
    "password:refused",
)
LOGS = ("sign_ins", "log")

# Records that one transaction deletes: some ms, in which nothing can be recorded.
AT_ONCE = 1_000
# Somebody signed in before the time that is kept (`Account.signed_in_at`).
_LONG_AGO = 0


class LogRetention:
    """The retention of one school's audit log; `before` has a time (ms) for each of LOGS that expires."""

    def __init__(self, databases: Databases, before: Mapping[str, int]) -> None:
        self._audit = databases.sessions("audit")
        self._accounts = databases.sessions("accounts")
        self._before = before

    async def has_expired(self, held: Held) -> bool:
        """Tell whether there is anything to delete."""
        async with reading(self._audit) as db:
            return any([await _old(db, name, before, held, 1) for name, before in self._before.items()])

    async def run(self, held: Held) -> dict[str, int]:
        """Delete it; return how many records, by the names."""
        deleted = {name: await self._delete(name, before, held) for name, before in self._before.items()}
        if "sign_ins" in self._before:
            await self._forget_last(self._before["sign_ins"], held)
        return deleted

    async def _delete(self, name: str, before: int, held: Held) -> int:
        count = 0
        while True:
            async with writing(self._audit) as db:
                ids = await _old(db, name, before, held, AT_ONCE)
                await _run(db, delete(AuditRecord).where(AuditRecord.id.in_(ids)))
            count += len(ids)
            if len(ids) < AT_ONCE:
                return count

    async def _forget_last(self, before: int, held: Held) -> None:
        which = (Account.signed_in_at > _LONG_AGO, Account.signed_in_at < before, Account.id.not_in(held.users))
        async with reading(self._accounts) as db:
            if not await db.scalar(select(Account.id).where(*which).limit(1)):
                return
        async with writing(self._accounts) as db:
            await _run(db, update(Account).where(*which).values(signed_in_at=_LONG_AGO))


async def _old(db: AsyncSession, name: str, before: int, held: Held, limit: int) -> Sequence[int]:
    is_sign_in = AuditRecord.kind.in_(SIGN_INS)
    query = select(AuditRecord.id).where(AuditRecord.at < before, is_sign_in if name == "sign_ins" else ~is_sign_in)
    return (await db.scalars(query.where(*_of_nobody_held(held)).order_by(AuditRecord.at).limit(limit))).all()


def _of_nobody_held(held: Held) -> list[Any]:
    topics = [each for class_id in held.classes for each in (class_topic(class_id), class_staff_topic(class_id))]
    # A record may lack a person or a topic, of which "not in" says nothing.
    lists = ((AuditRecord.user_id, held.users), (AuditRecord.subject_id, held.users), (AuditRecord.topic, topics))
    return [or_(column.is_(None), column.not_in(values)) for column, values in lists if values]


async def _run(db: AsyncSession, statement: Any) -> None:
    await db.execute(statement, execution_options={"synchronize_session": False})
