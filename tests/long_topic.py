"""Makes a topic as long as after years, by SQL: as many pushes would take hours."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.lesson import chat
from channels.member import User

_AUTHOR = User(3, "Paula", "teacher")
_MESSAGE = chat.SENT.encode(chat.MessageSent("uma mensagem para a turma", _AUTHOR)).decode()
_NUMBERS = {
    "sqlite": "WITH RECURSIVE each(seq) AS (SELECT :after + 1 UNION ALL SELECT seq + 1 FROM each WHERE seq < :until)",
    "postgresql": "WITH each AS (SELECT generate_series(cast(:after AS bigint) + 1, cast(:until AS bigint)) AS seq)",
}
_INSERT = """
    INSERT INTO events (topic_id, seq, event, author_id, at, payload)
    SELECT (SELECT id FROM topics WHERE name = :name), seq, :event, :author, seq, :payload FROM each
"""


async def write_messages(database: AsyncEngine, name: str, after: int, until: int) -> None:
    """Add messages to a topic that has `after` events, so that it has `until`."""
    topic = {"name": name, "until": until}
    message = {"event": chat.SENT.name, "author": _AUTHOR.id, "payload": _MESSAGE, "after": after}
    async with database.begin() as connection:
        await connection.execute(text(_NUMBERS[database.dialect.name] + _INSERT), {**topic, **message})
        await connection.execute(text("UPDATE topics SET seq = :until WHERE name = :name"), topic)
        await connection.execute(text("ANALYZE"))
