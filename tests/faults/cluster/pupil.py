"""A pupil of a few classes: sends messages, disconnects at times, rejoins from its position and retries its pushes.

Each message is pushed under one id until it is acknowledged, on any worker. Everything the pupil sees goes into one
diary per class, and its time into the timeline. Nothing is judged here.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.carrier import Gone, Refused
from tests.faults.cluster.timeline import Timeline
from tests.faults.diary import Acknowledged, Diary, Joined, Message, Read, Received, Sent
from tests.phoenix import Connection, ErrorReply, Patience, Payload

RETRY_SECONDS = (0.05, 0.3)
MAX_RETRY_SECONDS = 2.0
HISTORY_LIMIT = 200
MAY_PASS = ("overloaded", "unavailable", "too_fast")

# After these times the client tries another worker: the journal answers within 5 s even if its database is away.
# Heartbeats are more frequent than in browsers (30 s) because a schedule is short. `poll_pause` simulates the network
# delay of a polling client.
PATIENCE = Patience(open=5.0, reply=6.0, heartbeat=(3.0, 5.0), poll_pause=0.3)


@dataclass(frozen=True, slots=True)
class Manners:
    """How a pupil behaves; the first three are probabilities for each message."""

    hang_up: float = 0.04  # disconnect right after the push, without waiting for the reply
    leave_for_long: float = 0.01  # likewise
    repeat: float = 0.04  # push again although it was acknowledged
    away_seconds: float = 2.0  # the longest time offline after a disconnect
    long_away_seconds: float = 15.0
    pause_seconds: float = 4.0  # the mean between two messages
    long_text: float = 0.03


class Pupil:
    """One client; `run` keeps it connected, `speak` sends, the timeline records when it receives each message.

    It goes to the topics whose names begin with `TOPICS`, and knows one kind of event there.
    """

    TOPICS, SEND, SENT = "class:", "message:send", "message:sent"

    def __init__(
        self,
        name: str,
        url: str,
        timelines: Sequence[Timeline],
        seed: int,
        manners: Manners,
        patience: Patience = PATIENCE,
    ) -> None:
        self.name = name
        self.diaries: dict[str, Diary] = {}
        self.positions: dict[str, int] = {}
        self.presence: dict[str, dict[str, set[str]]] = {}
        self.holes: list[tuple[str, int, int]] = []
        self.here = asyncio.Event()
        self.retiring = False
        self.polls = "/longpoll" in url
        self.complaints: list[str] = []
        self.refusals: list[tuple[float, str]] = []
        self.closings: Counter[int | None] = Counter()
        self.put_off: Counter[str] = Counter()  # replies that ask for a later retry
        self.longest_return = 0.0  # seconds from a lost connection until every topic is rejoined
        self.pushes_again = 0
        self._url = url
        self._patience = patience
        self._timelines = timelines
        self._random = random.Random(f"{seed} {name}")
        self._prefix = f"{name}-{seed}"
        self._manners = manners
        self.epoch = ""
        self._line: Connection | None = None
        self._cut_lines: list[Connection] = []
        self._joined_at: dict[str, float] = {}
        self._lost_at: float | None = None
        self._excused = True  # it is offline on purpose
        self._absences = 0
        self._away_seconds = 0.0
        self._recalled = asyncio.Event()

    # Being there

    async def run(self) -> None:
        """Stay connected until cancelled."""
        tries = 0
        while True:
            if self.retiring:
                self._excuse()
                await self._recalled.wait()
            try:
                line = await self._come()
                tries = 0
                await line.ended.wait()
                self._note_end(line)
            except Refused as refused:
                self.refusals.append((_now(), str(refused)))
            except Gone:
                pass
            except ErrorReply as error:
                self._complain_unless_it_may_pass(error)
            finally:
                self.here.clear()
            tries += 1
            await asyncio.sleep(self._away_seconds or self._pause_before(tries))
            self._away_seconds = 0.0

    def _pause_before(self, tries: int) -> float:
        return min(MAX_RETRY_SECONDS, self._random.uniform(*RETRY_SECONDS) * 1.5**tries)

    def _note_end(self, line: Connection) -> None:
        self.closings[line.close_code] += 1
        self._lost_at = None if self._excused else _now()
        if line.is_cut:
            self._cut_lines.append(line)

    async def _come(self) -> Connection:
        line = await Connection.open(self._url, self._receive, self._patience)
        try:
            if not self.diaries:
                await self._learn_classes(line)
            for topic in self.diaries:
                await self._join(line, topic)
        except BaseException:
            line.drop()
            raise
        self._line, self._excused = line, False
        if self._lost_at is not None:
            self.longest_return = max(self.longest_return, _now() - self._lost_at)
        self.here.set()
        return line

    async def _learn_classes(self, line: Connection) -> None:
        response = await line.join("user:me", {}, lambda response: None)
        topics = [entry["topic"] for entry in response["topics"] if entry["topic"].startswith(self.TOPICS)]
        self.diaries = {topic: Diary(self.name) for topic in topics}

    async def _join(self, line: Connection, topic: str) -> None:
        since = self.positions.get(topic)
        payload: Payload = {} if since is None else {"since": since, "epoch": self.epoch}
        await line.join(topic, payload, partial(self._enter, topic, since))

    def _enter(self, topic: str, since: int | None, response: Payload) -> None:
        messages = [as_message(event["payload"]) for event in response["events"]]
        self.epoch = response["epoch"]
        entry = Joined(since, self.epoch, response["seq"], response["complete"], messages)
        self.diaries[topic].entries.append(entry)
        if since is not None and not entry.complete:
            self.holes.append((topic, since, entry.seq - len(messages)))
        self.positions[topic] = entry.seq
        self._joined_at[topic] = now = _now()
        if not self._excused:
            for message in messages:
                self._had(message, now, None)

    def _receive(self, topic: str, event: str, payload: Payload) -> None:
        if event == self.SENT:
            message = as_message(payload)
            self.diaries[topic].entries.append(Received(message))
            self.positions[topic] = message.seq
            self._had(message, _now(), self._joined_at[topic])
        elif event == "presence_state":
            self.presence[topic] = {user: _refs(entry) for user, entry in payload.items()}
        elif event == "presence_diff":
            self._follow_presence(self.presence[topic], payload)
        elif event in ("phx_close", "phx_error"):
            self.complaints.append(f"{self.name} was put out of {topic} by {event}")

    def _had(self, message: Message, now: float, here_since: float | None) -> None:
        for timeline in self._timelines:
            timeline.had(message.push_id, now, here_since)

    @staticmethod
    def _follow_presence(present: dict[str, set[str]], diff: Payload) -> None:
        for user, entry in diff["joins"].items():
            present.setdefault(user, set()).update(_refs(entry))
        for user, entry in diff["leaves"].items():
            left = present.get(user, set()) - _refs(entry)
            if left:
                present[user] = left
            else:
                present.pop(user, None)

    # Writing

    async def speak(self, until: float) -> None:
        """Send messages until a time; return when the last one is acknowledged."""
        number = 0
        while True:
            pause = self._random.expovariate(1 / self._manners.pause_seconds)
            if _now() + pause >= until:
                return
            await asyncio.sleep(pause)
            await self._write(self._random.choice(list(self.diaries)), f"{self._prefix}-{number}")
            number += 1

    async def say_last(self, topic: str) -> None:
        """Send one more message to a class; return when it is acknowledged."""
        await self.say(topic, f"last-{topic}", "adeus")

    async def say(self, topic: str, number: str, text: str) -> None:
        """Send a message, whose number nothing else of this client has; return when it is acknowledged."""
        await self._push_until_acknowledged(topic, f"{self._prefix}-{number}", text)

    async def _write(self, topic: str, push_id: str) -> None:
        words = 500 if self._random.random() < self._manners.long_text else self._random.randrange(1, 20)
        text = f"{push_id}: {'lousa ' * words}".strip()
        chance = self._random.random()
        if chance < self._manners.leave_for_long:
            await self._push_and_hang_up(topic, push_id, text, self._manners.long_away_seconds)
        elif chance < self._manners.leave_for_long + self._manners.hang_up:
            await self._push_and_hang_up(topic, push_id, text, self._manners.away_seconds)
        await self._push_until_acknowledged(topic, push_id, text)
        if self._random.random() < self._manners.repeat:
            self.pushes_again += 1
            await self._push_until_acknowledged(topic, push_id, text)

    async def _push_until_acknowledged(self, topic: str, push_id: str, text: str) -> None:
        absences = self._absences
        while True:
            line = await self._present_line()
            for timeline in self._timelines:
                timeline.sent(push_id, _now(), anew=self._absences > absences)
            absences = self._absences
            try:
                await line.request(topic, self.SEND, *self._push(topic, push_id, text))
                return
            except Gone:
                self.pushes_again += 1
                self._absences += line.is_cut
            except ErrorReply as error:
                self._complain_unless_it_may_pass(error)
                self.pushes_again += 1
                await asyncio.sleep(error.response.get("retry_after", 1_000) / 1000 * self._random.uniform(0.5, 1))

    async def _push_and_hang_up(self, topic: str, push_id: str, text: str, seconds: float) -> None:
        line = await self._present_line()
        line.start(topic, self.SEND, *self._push(topic, push_id, text))
        await asyncio.sleep(self._random.choice((0, 0.005)))
        self.pushes_again += 1
        self._excuse()
        self._away_seconds = self._random.uniform(0.01, seconds)
        line.drop()

    def _push(self, topic: str, push_id: str, text: str) -> tuple[Payload, "partial[None]"]:
        self.diaries[topic].entries.append(Sent(push_id, text))
        return {"id": push_id, "text": text}, partial(self._acknowledge, topic, push_id)

    def _acknowledge(self, topic: str, push_id: str, response: Payload) -> None:
        self.diaries[topic].entries.append(Acknowledged(push_id, response["seq"]))
        for timeline in self._timelines:
            timeline.acknowledged(push_id, _now())

    async def stands(self) -> None:
        """Wait until it has a connection that works."""
        while (await self._present_line()).is_cut:
            await asyncio.sleep(0.05)  # it has not noticed yet

    async def _present_line(self) -> Connection:
        while True:
            await self.here.wait()
            if self._line is not None and not self._line.ended.is_set():
                return self._line
            await asyncio.sleep(0.01)  # `run` is about to notice

    def _complain_unless_it_may_pass(self, error: ErrorReply) -> None:
        code = error.response["code"]
        self.put_off[code] += 1
        if code not in MAY_PASS:
            self.complaints.append(f"{self.name} was answered {error}")

    # Faults applied to it

    def _excuse(self) -> None:
        self._excused = True
        self._lost_at = None
        self._absences += 1

    def cut(self) -> None:
        """Leave its connection half open."""
        if self._line is not None and not self._line.ended.is_set():
            self._excuse()
            self._line.cut()

    def leave(self) -> None:
        """Disconnect and stay offline until recalled."""
        self.retiring = True
        self._excuse()
        if self._line is not None:
            self._line.drop()

    def recall(self) -> None:
        """Reconnect and stay connected."""
        self.retiring = False
        self._recalled.set()

    def remember_only(self, epoch: str, topics: Iterable[str]) -> None:
        """Start from the beginning of these classes, like a client that has been offline since."""
        self.epoch = epoch
        for topic in topics:
            self.positions[topic] = 0
            self.diaries[topic] = Diary(self.name, [Joined(None, epoch, 0, True, [])])

    async def read_holes(self) -> None:
        """Read from the history the events that joins lacked."""
        while self.holes:
            line = await self._present_line()
            try:
                await self._read_hole(line, *self.holes[0])
            except Gone:
                continue
            del self.holes[0]

    async def _read_hole(self, line: Connection, topic: str, after: int, until: int) -> None:
        while after < until:
            wanted = {"after": after, "limit": min(HISTORY_LIMIT, until - after)}
            response = await line.request(topic, "history:read", wanted)
            messages = [as_message(event["payload"]) for event in response["events"]]
            if not messages:
                self.complaints.append(f"{self.name} finds nothing of {topic} after {after}, and it reaches to {until}")
                return
            self.diaries[topic].entries.append(Read(after, messages))
            after = messages[-1].seq

    def close(self) -> None:
        """Close every connection."""
        for line in (*self._cut_lines, *filter(None, [self._line])):
            line.drop()


def as_message(payload: Payload) -> Message:
    """Read a message as it is broadcast."""
    return Message(payload["seq"], payload["id"], payload["author"]["name"].split()[0].lower(), payload["text"])


def _refs(entry: Payload) -> set[str]:
    return {meta["phx_ref"] for meta in entry["metas"]}


def _now() -> float:
    return asyncio.get_running_loop().time()
