"""Whether the audit log belongs to the accounts and the journal beside it, and none of them is an older copy.

    accounts: pairing.audited -------------- no fewer records ---- audit: ids of records
    audit: the newest keys, epoch:topic:seq ---- these events ---- journal: topics.seq

An older copy of the log lacks what was done since: it was copied there and is noted nowhere else. Beside an older copy
of the journal the log would miss what is done next: a record of that position is there already, and is kept once.

What is kept of the log is up to a minute old. See docs/notes/restored.md.
"""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.tables import journal_table, topics_table
from server.databases.accounts import Pairing
from server.databases.audit import AuditRecord
from server.databases.ids import last_id
from server.databases.outbox import position_of
from server.databases.pairing import Apart

# The newest records, of which some are about events: enough to meet one of the last busy hour, and read in a step.
NEWEST = 200


async def check_audit(accounts: AsyncEngine, journal: AsyncEngine, audit: AsyncEngine) -> None:
    """Raise Apart where the audit log, or the journal beside it, is an older copy."""
    async with accounts.connect() as connection:
        kept = int((await connection.execute(select(Pairing.audited))).scalar_one())
    last = await _last(audit)
    if last < kept:
        raise Apart(f"the audit log had {kept} records and has {last}: it is an older copy, or its -wal is gone")
    await _check_events(journal, audit)


async def _check_events(journal: AsyncEngine, audit: AsyncEngine) -> None:
    # The log first: an event is there only after it is in the journal.
    async with audit.connect() as connection:
        newest = select(AuditRecord.key).order_by(AuditRecord.id.desc()).limit(NEWEST)
        keys = (await connection.execute(newest)).scalars().all()
    async with journal.connect() as connection:
        epoch = (await connection.execute(select(journal_table.c.epoch))).scalar_one()
        positions = [position for key in keys if (position := position_of(key, epoch)) is not None]
        ids = {topic_id for topic_id, _ in positions}
        columns = topics_table.c.id, topics_table.c.seq
        ends = dict(map(tuple, await connection.execute(select(*columns).where(topics_table.c.id.in_(ids)))))
    for topic_id, seq in positions:
        if ends.get(topic_id, 0) < seq:
            raise Apart(
                f"the audit log has an event at {seq} of a topic that ends at {ends.get(topic_id, 0)} in the journal: "
                "the journal is an older copy, or its -wal is gone"
            )


async def record_audit(accounts: AsyncEngine, audit: AsyncEngine) -> None:
    """Keep in the accounts how many records the audit log has."""
    last = await _last(audit)
    async with accounts.connect() as connection:
        kept = int((await connection.execute(select(Pairing.audited))).scalar_one())
    if last > kept:
        async with accounts.execution_options(writes=True).begin() as connection:
            await connection.execute(update(Pairing).where(Pairing.audited < last).values(audited=last))


async def accept_audit(accounts: AsyncEngine, audit: AsyncEngine) -> None:
    """Take the audit log as it is."""
    async with accounts.execution_options(writes=True).begin() as connection:
        await connection.execute(update(Pairing).values(audited=await _last(audit)))


async def _last(audit: AsyncEngine) -> int:
    async with audit.connect() as connection:
        return await connection.run_sync(last_id, AuditRecord.__tablename__)
