"""Helpers shared by the tests of topics."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable
from channels.journal.entry import Group, Mark, Snapshot, Spells, Stored
from channels.lesson import chat
from channels.limit import Limits
from tests.channels.support import ANA, Client, Worker, writer_for

MakeWorker = Callable[..., Awaitable[Worker]]
FREE = Limits(push_rate=0)
MESSAGE = chat.SENT.encode(chat.MessageSent("oi", ANA.user))


def seqs(client: Client) -> list[int]:
    """Return the positions of the messages that a client received live."""
    return [message["seq"] for message in client.got("message:sent")]


class BrokenWriter:
    """A database that is unavailable while `broken`, and that commits but loses the reply while `mute`."""

    def __init__(self, database: AsyncEngine) -> None:
        self.broken = self.mute = False
        self._writer = writer_for(database)

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        if self.broken:
            raise JournalUnavailable("away")
        stored = await self._writer.commit(groups, marks, snapshots, spells)
        if self.mute:
            raise JournalUnavailable("the connection broke")
        return stored

    async def close(self) -> None:
        await self._writer.close()
