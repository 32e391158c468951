"""A class page in Node (`page.mjs`): runs the browser's client and records each of its events in a diary."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.cluster.pupil import HISTORY_LIMIT, as_message
from tests.faults.cluster.timeline import Timeline
from tests.faults.diary import Acknowledged, Diary, Joined, Read, Received, Sent
from tests.faults.network.node import Line, NodeProgram


class Page:
    """One page; `run` keeps it open, `speak` sends. Its client retries and reconnects by itself.

    Without `websockets` it polls, as in schools that block WebSockets.
    """

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        timeline: Timeline,
        seed: int,
        pause_seconds: float,
        *,
        websockets: bool = True,
    ) -> None:
        self.name = name
        self.diaries: dict[str, Diary] = {}
        self.positions: dict[str, int] = {}
        self.holes: list[tuple[str, int, int]] = []
        self.here = asyncio.Event()
        self.complaints: list[str] = []
        self.carried: Counter[str] = Counter()  # how often each transport became active
        self._timeline = timeline
        self._random = random.Random(f"{seed} {name}")
        self._pause_seconds = pause_seconds
        environment = {"PREFIX": f"{name}-{seed}", "WEBSOCKETS": "allowed" if websockets else "forbidden"}
        self._program = NodeProgram("page.mjs", {"LOUSA_URL": url, "TOKEN": token, **environment}, self._take)
        self._unanswered: set[str] = set()
        self._said = 0
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Keep it open until cancelled."""
        await self._program.run()

    # Lines from the page

    def _take(self, line: Line) -> None:
        getattr(self, f"_take_{line.pop('is')}")(**line)
        self._moved.set()

    def _take_state(self, status: str, transport: str | None) -> None:
        if transport is not None:
            self.carried[transport] += 1
        if status == "signed_out":
            self.complaints.append(f"{self.name} was told to be signed out")

    def _take_classes(self, topics: list[str]) -> None:
        self.diaries = {topic: Diary(self.name) for topic in topics}

    def _take_joined(
        self, topic: str, since: int | None, epoch: str, seq: int, complete: bool, messages: list[Any]
    ) -> None:
        entry = Joined(since, epoch, seq, complete, [as_message(each) for each in messages])
        self.diaries[topic].entries.append(entry)
        if since is not None and not complete:
            self.holes.append((topic, since, seq - len(messages)))
        self.positions[topic] = seq
        if self.positions.keys() == self.diaries.keys():
            self.here.set()

    def _take_received(self, topic: str, message: dict[str, Any]) -> None:
        self.diaries[topic].entries.append(Received(as_message(message)))
        self.positions[topic] = message["seq"]

    def _take_sent(self, topic: str, id: str, text: str) -> None:  # noqa: A002 -- as the page calls it
        self.diaries[topic].entries.append(Sent(id, text))
        self._timeline.sent(id, _now(), anew=False)
        self._unanswered.add(id)

    def _take_acknowledged(self, topic: str, id: str, seq: int) -> None:  # noqa: A002
        self.diaries[topic].entries.append(Acknowledged(id, seq))
        self._timeline.acknowledged(id, _now())
        self._unanswered.discard(id)

    def _take_failed(self, topic: str, id: str, why: str) -> None:  # noqa: A002
        self.complaints.append(f"{self.name}: {id} in {topic} failed: {why}")

    def _take_closed(self, topic: str, why: str) -> None:
        self.complaints.append(f"{self.name} was put out of {topic}: {why}")

    def _take_read(self, topic: str, after: int, messages: list[Any] | None) -> None:
        if messages is None:
            return
        read = Read(after, [as_message(each) for each in messages])
        self.diaries[topic].entries.append(read)
        until = self.holes[0][2]
        reached = read.messages[-1].seq if read.messages else until
        if reached >= until:
            del self.holes[0]
        else:
            self.holes[0] = topic, reached, until

    # Commands to the page

    async def speak(self, until: float) -> None:
        """Send messages until a time; return when the last one is acknowledged."""
        while (pause := self._random.expovariate(1 / self._pause_seconds)) + _now() < until:
            await asyncio.sleep(pause)
            self._said += 1
            words = "lousa " * self._random.randrange(1, 200)
            topic = self._random.choice(list(self.diaries))
            self._program.tell(do="send", topic=topic, text=f"{self.name} {self._said}: {words}".strip())
        said = self._said
        await self._until(lambda: not self._unanswered and self._has_sent(said))

    def _has_sent(self, count: int) -> bool:
        return sum(isinstance(entry, Sent) for diary in self.diaries.values() for entry in diary.entries) == count

    async def read_holes(self) -> None:
        """Make it read from the history the events that joins lacked."""
        while self.holes:
            topic, after, until = self.holes[0]
            self._program.tell(do="read", topic=topic, after=after, limit=min(HISTORY_LIMIT, until - after))
            self._moved.clear()
            await self._moved.wait()

    def change_network(self) -> None:
        """Tell the page that the computer has changed networks."""
        self._program.tell(do="change_network")

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._moved.clear()
            await self._moved.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
