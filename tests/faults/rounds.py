"""One round: fifty students send messages, the server is killed and started again, and the diaries are judged.

All random choices come from the round's seed. The exact moment of the kill also depends on the machine, so a seed
replays the same choices and probably, but not certainly, the same fault.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.checker import breaches
from tests.faults.diary import Joined
from tests.faults.student import Habits, Student
from tests.lousa import Lousa
from tests.phoenix import Connection, Payload

# After this time a round counts as stuck, even on a busy machine. A round usually takes three seconds.
ROUND_SECONDS = 120.0

# How many messages the returning client has missed at most: sometimes too many for one join reply.
AWAY_MESSAGES = 1_500


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices made from a seed."""

    seed: int
    kill_after: int  # acknowledged messages
    kill_delay_seconds: float
    down_seconds: float
    away: int
    habits: Habits

    @classmethod
    def of(cls, seed: int, messages: int) -> "Plan":
        """Make the plan of a seed."""
        choose = random.Random(seed)
        return cls(
            seed,
            kill_after=choose.randrange(1, max(2, messages * 3 // 4)),
            kill_delay_seconds=choose.uniform(0, 0.02),
            down_seconds=choose.choice((0, 0, 0.5)),
            away=choose.randrange(AWAY_MESSAGES),
            habits=Habits(hang_up=choose.choice((0, 0.05)), repeat=0.05, pause_seconds=choose.choice((0, 0.01, 0.05))),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a round."""

    seed: int
    breaches: list[str]
    messages: int
    killed_after: int
    pushes_again: int
    holes_told: int
    seconds: float


async def class_topic(url: str) -> str:
    """Return the topic of the user's class."""
    topics = (await _join(url, "user:me"))["topics"]
    return next(str(entry["topic"]) for entry in topics if entry["topic"].startswith("class:"))


async def _join(url: str, topic: str) -> Payload:
    """Join a topic, return the reply and disconnect."""
    connection = await Connection.open(url, lambda topic, event, payload: None)
    response = await connection.join(topic)
    connection.close()
    await connection.closed.wait()
    return response


class Round:
    """The students of one round and the server that they use."""

    def __init__(self, lousa: Lousa, tokens: Mapping[str, str], topic: str, seed: int, messages_each: int) -> None:
        self._lousa = lousa
        self._topic = topic
        self._messages_each = messages_each
        self.plan = Plan.of(seed, messages_each * len(tokens))
        self._urls = {login: lousa.socket_url("students", token) for login, token in tokens.items()}
        self.students = [self._student(login, number) for number, login in enumerate(self._urls)]
        self._returning = Student("returning", next(iter(self._urls.values())), topic, seed=seed)
        self._killed_after = 0

    def _student(self, login: str, number: int) -> Student:
        seed = self.plan.seed * 1_000 + number
        return Student(login, self._urls[login], self._topic, seed=seed, habits=self.plan.habits)

    async def play(self) -> Outcome:
        """Play the round and judge it."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                found = await self._play()
        except TimeoutError:
            standing = sorted({student.position for student in self.students}, key=str)
            found = [f"the round did not end within {ROUND_SECONDS} s; the students stand at {standing}"]
        finally:
            await asyncio.gather(*(student.close() for student in (*self.students, self._returning)))
        return self._outcome(found, time.monotonic() - began)

    async def _play(self) -> list[str]:
        await asyncio.gather(*(student.connect() for student in self.students))
        first = self.students[0].position or 0
        async with asyncio.TaskGroup() as traffic:
            for student in self.students:
                traffic.create_task(student.send(self._messages_each))
            traffic.create_task(self._kill_and_start_again())
        last = await self._last_position()
        await asyncio.gather(*(student.follow_to(last) for student in self.students))
        await self._come_back_after_a_long_time(max(0, first - self.plan.away))
        diaries = [student.diary for student in self.students]
        return breaches(diaries, first, last) + breaches([*diaries, self._returning.diary], first)

    async def _kill_and_start_again(self) -> None:
        while sum(student.acknowledged for student in self.students) < self.plan.kill_after:
            await asyncio.sleep(0.001)
        await asyncio.sleep(self.plan.kill_delay_seconds)
        self._killed_after = sum(student.acknowledged for student in self.students)
        self._lousa.kill()
        await asyncio.sleep(self.plan.down_seconds)
        await asyncio.to_thread(self._lousa.start)

    async def _last_position(self) -> int:
        return int((await _join(next(iter(self._urls.values())), self._topic))["seq"])

    async def _come_back_after_a_long_time(self, position: int) -> None:
        """Connect a client whose position is from before the round; it reads the history that its join lacks."""
        student = self._returning
        student.stay_away_from(position, self._epoch())
        student.diary.entries.append(Joined(None, self._epoch(), position, True, []))
        await student.connect()
        if student.holes:
            await student.read_after(position)

    def _epoch(self) -> str:
        return next(entry.epoch for entry in self.students[0].diary.entries if isinstance(entry, Joined))

    def _outcome(self, found: list[str], seconds: float) -> Outcome:
        everybody = [*self.students, self._returning]
        return Outcome(
            self.plan.seed,
            list(dict.fromkeys(found)),
            messages=len(self.students) * self._messages_each,
            killed_after=self._killed_after,
            pushes_again=sum(student.pushes_again for student in everybody),
            holes_told=sum(student.holes for student in everybody),
            seconds=seconds,
        )
