"""A class votes and acknowledges at once on several workers, one of which is killed; what was answered counts, once.

By hand: `python -m tests.faults.votes --pupils 2000 --workers 2 --kills 0 --within 5` prints whether the counts are
exact, how long it took, and how many transactions.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench.served import allow_many_files
from server.databases import Databases
from tests.carrier import Gone
from tests.faults.cluster.site import Site, open_site
from tests.phoenix import Connection, ErrorReply, Patience, Payload

OPTIONS = ["A", "B", "C", "D"]
# Until all are connected, and until all have voted: more is a failure, also on a busy machine.
JOIN_SECONDS = 120.0
VOTE_SECONDS = 60.0
# Connections that are opened at once, below what the handshake's queue of a worker takes.
CONNECTING = 50
RETRY_SECONDS = (0.02, 0.2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the pupils voted, what the result says, how many have acknowledged, and what it took."""

    voted: list[int]
    tally: list[int]
    acknowledged: int
    seconds: float
    again: int
    returned: int
    transactions: int
    updates: int  # of the live tally that the teacher got

    @property
    def is_exact(self) -> bool:
        """Whether each pupil counts once in both."""
        return self.voted == self.tally and self.acknowledged == sum(self.voted)

    def __str__(self) -> str:
        """Describe it in a few lines."""
        verdict = "exact" if self.is_exact else f"WRONG, {self.voted} voted"
        return (
            f"{sum(self.voted)} voted {self.tally} and {self.acknowledged} acknowledged, {verdict}\n"
            f"{self.transactions} transactions, {self.seconds:.2f} s until the last answer\n"
            f"{self.again} sent again, {self.returned} connected again, {self.updates} updates of the live tally"
        )


class Voter:
    """One pupil: joins the class, votes and acknowledges, each until that is answered."""

    def __init__(self, url: str, topic: str, option: int, push_id: str) -> None:
        self.option = option
        self.again = 0
        self.returned = 0
        self._url = url
        self._topic = topic
        self._push_id = push_id
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> Connection:
        """Return a connection that has joined the class."""
        async with self._connecting:
            while self._connection is None or self._connection.ended.is_set():
                self.returned += self._connection is not None
                self._connection = None
                try:
                    connection = await Connection.open(self._url, _ignore, Patience(open=60.0))
                    await connection.join(self._topic)
                    self._connection = connection
                except (Gone, ErrorReply):
                    await asyncio.sleep(random.uniform(*RETRY_SECONDS))
            return self._connection

    async def do_both(self, poll: int, announcement: int, within: float) -> None:
        """Vote and acknowledge, each at some moment within so many seconds."""
        vote = {"target": poll, "option": self.option, "id": self._push_id}
        await asyncio.gather(
            self._push("poll:vote", vote, within),
            self._push("announcement:acknowledge", {"target": announcement, "id": self._push_id}, within),
        )

    async def _push(self, event: str, payload: Payload, within: float) -> None:
        """Push under the same id until it is answered."""
        await asyncio.sleep(random.uniform(0, within))
        while True:
            try:
                await (await self.connect()).request(self._topic, event, payload)
                return
            except Gone:
                self.again += 1
            except ErrorReply as error:
                if error.response["code"] not in ("overloaded", "unavailable", "unmatched_topic"):
                    raise
                await asyncio.sleep(error.response.get("retry_after", 100) / 1000)

    async def leave(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._connection.closed.wait(), 5)


def _ignore(topic: str, event: str, payload: Payload) -> None:
    pass


class Teacher:
    """Opens and closes the poll, watches the tally, and asks for acknowledgements."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.topic = ""
        self.updates = 0

    async def connect(self) -> Connection:
        """Return a connection that has joined the class and its staff's topic."""
        connection = await Connection.open(self._url, self._receive)
        listed = (await connection.join("user:me"))["topics"]
        self.topic = next(str(entry["topic"]) for entry in listed if entry["topic"].startswith("class:"))
        await connection.join(self.topic)
        await connection.join(f"{self.topic}:staff")
        return connection

    def _receive(self, topic: str, event: str, payload: Payload) -> None:
        self.updates += event == "poll:tally"

    async def open_poll(self) -> int:
        """Open a poll, and return its position."""
        connection = await self.connect()
        poll = {"question": "?", "options": OPTIONS, "anonymous": True}
        return int((await connection.request(self.topic, "poll:open", poll))["seq"])

    async def announce(self) -> int:
        """Announce what is to be acknowledged, and return its position."""
        connection = await self.connect()
        announcement = {"text": "Leiam", "acknowledge": True}
        return int((await connection.request(self.topic, "announcement:send", announcement))["seq"])

    async def count_acknowledged(self, target: int) -> int:
        """Return how many have acknowledged."""
        connection = await self.connect()
        progress = await connection.request(self.topic, "announcement:progress", {"target": target})
        return int(progress["acknowledged"])

    async def close_poll(self, target: int) -> list[int]:
        """Close the poll, and return its result as a client that joins later gets it."""
        connection = await self.connect()
        await connection.request(self.topic, "poll:close", {"target": target, "id": "close"})
        polls = (await connection.join(self.topic))["state"]["polls"]
        tally: list[int] = next(poll["closed"]["tally"] for poll in polls if poll["seq"] == target)
        return tally


async def play(site: Site, *, kills: int, within: float = 1.0) -> Outcome:
    """Let all pupils vote and acknowledge at once, kill workers meanwhile, and return what became of it."""
    token = await asyncio.to_thread(site.lousa.tokens, "teacher")
    teacher = Teacher(site.lousa.socket_url("teachers", token["teacher"]))
    target, announcement = await teacher.open_poll(), await teacher.announce()
    voters = [
        Voter(site.lousa.socket_url("students", token), teacher.topic, number % len(OPTIONS), f"v{number}")
        for number, token in enumerate(site.tokens.values())
    ]
    async with asyncio.timeout(JOIN_SECONDS):
        await _connect(voters)
    before = await _transactions(site)
    began = time.monotonic()
    async with asyncio.timeout(VOTE_SECONDS):
        votes = [asyncio.create_task(voter.do_both(target, announcement, within)) for voter in voters]
        await _kill(site, votes, kills)
        await asyncio.gather(*votes)
    seconds = time.monotonic() - began
    used = await _transactions(site, before)
    tally = await teacher.close_poll(target)
    acknowledged = await teacher.count_acknowledged(announcement)
    await asyncio.gather(*(voter.leave() for voter in voters))
    chosen = Counter(voter.option for voter in voters)
    again, returned = sum(voter.again for voter in voters), sum(voter.returned for voter in voters)
    voted = [chosen[option] for option in range(len(OPTIONS))]
    return Outcome(voted, tally, acknowledged, seconds, again, returned, used, teacher.updates)


async def _connect(voters: list[Voter]) -> None:
    slots = asyncio.Semaphore(CONNECTING)

    async def connect(voter: Voter) -> None:
        async with slots:
            await voter.connect()

    await asyncio.gather(*map(connect, voters))


async def _kill(site: Site, votes: list["asyncio.Task[None]"], kills: int) -> None:
    for number in range(kills):
        wanted = len(votes) * (number + 1) // (kills + 1)
        while sum(vote.done() for vote in votes) < wanted:
            await asyncio.sleep(0.001)
        site.signal_worker(number, signal.SIGKILL)


def main() -> int:
    """Play once, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.votes", description=__doc__)
    parser.add_argument("--pupils", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--within", type=float, default=1.0, help="seconds in which the pupils vote")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    allow_many_files()
    with (
        tempfile.TemporaryDirectory(prefix="lousa-votes-") as folder,
        open_site(Path(folder), given.database, given.pupils, given.workers, classes=1) as site,
    ):
        outcome = asyncio.run(play(site, kills=given.kills, within=given.within))
        print(outcome)
    return int(not outcome.is_exact)


async def _transactions(site: Site, since: int = 0) -> int:
    """Return the number of the journal's newest transaction on SQLite; on PostgreSQL how many have stored something."""
    databases = Databases(site.urls)
    async with databases.engine("journal").connect() as connection:
        query = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
        number = (await connection.execute(text(query))).scalar_one()
    await databases.dispose()
    return int(number) - since


# Each transaction of SQLite stamps the counters of the topics that it concerns with the next number.
_SQLITE = "SELECT coalesce(max(moved), 0) FROM topics"
_POSTGRESQL = (
    "SELECT count(*) FROM (SELECT xmin::text FROM events UNION SELECT xmin::text FROM choices) AS each_that_inserted"
)


if __name__ == "__main__":
    sys.exit(main())
