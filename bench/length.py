"""How long a client waits to join a class that has had so many messages, of a server that has just been started.

For each length twice: `first` without a stored snapshot of the class's state, as after an update that folds it anew,
and `again` with it. The messages are written by SQL while the server is stopped; in every 10,000 the class was locked
once.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text

from bench.client import Address, Client, Seat, source
from bench.result import MILLISECONDS, keep, say, table
from bench.served import NAMES, Server, kill, lousa, start
from channels.lesson import lock
from channels.member import User
from server.databases.engine import create_engine
from tests.long_topic import write_messages

# One message in so many is a lock instead, which changes the state.
MESSAGES_OF_A_LOCK = 10_000


@dataclass(frozen=True, slots=True)
class Figure:
    """The seconds of the two joins of a class of this length."""

    server: str
    events: int
    first: float
    again: float


def measure(lengths: Sequence[int], databases: Sequence[str]) -> None:
    """Measure each length with each database; save the figures."""
    figures = []
    for database in databases:
        with lousa(1, 2, database=database) as server:
            figures += list(_measured(server, database, sorted(lengths)))
    keep("length", figures, report(figures))


def _measured(server: Server, database: str, lengths: Sequence[int]) -> Iterator[Figure]:
    (school_class,) = server.classes
    seat, topic = school_class.seats[0], school_class.topic
    with _joined(server, seat) as client:
        server.dialect.write(client, topic, 1)  # makes the topic
        client.next_frames()
    kill(server)
    length = 1
    for longer in lengths:
        assert server.urls is not None
        asyncio.run(_lengthen(server.urls["journal"], topic, length, longer))
        length = longer
        figure = Figure(NAMES[database], length, *(_cold_join(server, seat) for _ in range(2)))
        say(f"{figure.server}, {length:,}: {' | '.join(_cells(figure))}")
        yield figure


def _cold_join(server: Server, seat: Seat) -> float:
    start(server)
    server.rest()
    began = time.perf_counter()
    with _joined(server, seat):
        took = time.perf_counter() - began
        server.rest()  # the snapshot is stored
    kill(server)
    return took


@contextmanager
def _joined(server: Server, seat: Seat) -> Iterator[Client]:
    client = Client(Address(server.port, seat.path, source(0)))
    server.dialect.greet(client)
    server.dialect.join(client, seat.topics[-1])
    yield client
    client.socket.close()


async def _lengthen(url: str, topic: str, after: int, until: int) -> None:
    database = create_engine("journal", url)
    await write_messages(database, topic, after, until)
    values = {"kind": lock.LOCKED.name, "state": _LOCKED, "each": MESSAGES_OF_A_LOCK}
    async with database.begin() as connection:
        await connection.execute(text(_LOCK), values)
        await connection.execute(text(_INDEXED))
        await connection.execute(text("DELETE FROM snapshots"))
    await database.dispose()


_LOCKED = lock.LOCKED.encode(lock.ChatLocked(notes=False, author=User(3, "Paula", "teacher"))).decode()
_LOCK = "UPDATE events SET event = :kind, payload = :state WHERE seq % :each = 0"
# A class is searched as it grows, not all of it at the next start.
_INDEXED = """
    INSERT INTO search_positions (topic_id, seq) SELECT id, seq FROM topics WHERE true
    ON CONFLICT (topic_id) DO UPDATE SET seq = excluded.seq
"""


def report(figures: Sequence[Figure]) -> str:
    """Make a table of all lengths."""
    columns = ["server", "events", "joined for the first time", "again, after a restart"]
    return table(columns, [[each.server, f"{each.events:,}", *_cells(each)] for each in figures]) + "\n"


def _cells(figure: Figure) -> list[str]:
    return [f"{seconds * MILLISECONDS:.0f} ms" for seconds in (figure.first, figure.again)]
