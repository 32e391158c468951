"""Plays one schedule on a site: pupils connect and send, the faults run, and the diaries are judged."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.cluster.faults import strike
from tests.faults.cluster.plan import Step
from tests.faults.cluster.pupil import Manners, Pupil
from tests.faults.cluster.site import Site
from tests.faults.cluster.timeline import Fault, Heal, Timeline
from tests.faults.cluster.verdict import Verdict, judge
from tests.faults.diary import Diary, Joined
from tests.faults.waiting import Waiting, caught_up, first_position, last_positions

# After these times, from the last fault, a phase counts as stuck, even on a busy machine.
COME_SECONDS = 30.0
SETTLE_SECONDS = 60.0

# A silent worker's entries are dropped within 6 s, and presence is complete within 5 s of Redis' return. Half as much
# again for a busy machine.
PRESENCE_SECONDS = 9.0

# One pupil in four polls: each request uses a new connection and may reach any worker.
POLLING = 4

# A polling pupil who disappears is removed 25 s after the last poll began; the server checks every 5 s.
POLLED_SECONDS = 45.0

# One pupil in ten goes offline at its first lost connection and returns after the faults. It must not be shown as
# present meanwhile.
RETIRING = 10

_REDIS = ("kill-redis", "freeze-redis", "restart-redis", "tiny-buffer")


@dataclass(slots=True)
class Felt:
    """The effect of the faults on some of the pupils, in seconds."""

    heals: list[Heal]
    silences: list[float]  # while Redis was away
    longest_return: float  # from a lost connection to the rejoin
    last_words: float  # until all of them had the last messages, with Redis away


@dataclass(slots=True)
class Outcome:
    """What came of a schedule; what was felt: by those over a WebSocket among themselves, and by everybody."""

    seed: int
    verdict: Verdict
    felt_by_websockets: Felt
    felt: Felt
    presence_seconds: float = 0.0
    pushes_again: int = 0
    holes: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    refused_at_hang_up: int = 0
    closings: Counter[int] = field(default_factory=Counter)
    put_off: Counter[str] = field(default_factory=Counter)


class Drill:
    """One schedule: its pupils, its faults and their timeline."""

    def __init__(self, site: Site, seed: int, seconds: float, plan: Sequence[Step]) -> None:
        self._site = site
        self._seed = seed
        self._seconds = seconds
        self._plan = plan
        self._timeline = Timeline()
        self._timeline_of_websockets = Timeline()
        self._faults: list[Fault] = []
        self._waiting = Waiting()
        self._within = self._waiting.within
        self._presence_seconds = 0.0
        self._had_last_words: dict[Pupil, float] = {}
        self._manners = Manners(long_away_seconds=seconds / 4)
        self.pupils = [self._pupil(login, login, n % POLLING == 0) for n, login in enumerate(site.tokens)]
        self._returned = self._pupil("returned", next(iter(site.tokens)), bool(seed % 2))

    def _pupil(self, name: str, login: str, polls: bool) -> Pupil:
        url = self._site.url(login, polls)
        timelines = [self._timeline] if polls else [self._timeline, self._timeline_of_websockets]
        return Pupil(name, url, timelines, self._seed, self._manners)

    async def play(self) -> Outcome:
        """Play the schedule and judge it."""
        staying = [asyncio.create_task(pupil.run()) for pupil in self.pupils]
        try:
            lasts = await self._play()
        finally:
            for task in staying:
                task.cancel()
            ended = await asyncio.gather(*staying, return_exceptions=True)
            for pupil in self.pupils:
                pupil.close()
            await asyncio.sleep(0.1)  # time for the transports to close
        self._waiting.stuck += [f"a pupil failed: {error!r}" for error in ended if isinstance(error, Exception)]
        return self._outcome(lasts)

    async def _play(self) -> dict[str, int]:
        if not await self._within(COME_SECONDS, "not everybody came", *(pupil.here.wait() for pupil in self.pupils)):
            return {}
        until = _now() + self._seconds
        for pupil in random.Random(self._seed).sample(self.pupils, len(self.pupils) // RETIRING):
            pupil.retiring = True
        speaking = [asyncio.create_task(pupil.speak(until)) for pupil in self.pupils]
        try:
            await self._strike_all()
            await asyncio.sleep(max(0.0, until - _now()))
            self._faults.append(Fault("none, afterwards", _now(), _now()))
            return await self._settle(speaking)
        finally:
            for task in speaking:
                task.cancel()

    async def _strike_all(self) -> None:
        began = _now()
        for step in self._plan:
            await asyncio.sleep(max(0.0, began + step.at - _now()))
            at = _now()
            await self._strike(step)
            self._faults.append(Fault(step.name, at, _now()))

    async def _strike(self, step: Step) -> None:
        await strike(self._site, self.pupils, step)

    async def _settle(self, speaking: Sequence["asyncio.Task[None]"]) -> dict[str, int]:
        """Wait for all pupils, check presence and wait for missing messages; return the classes' positions."""
        stayers = [task for task, pupil in zip(speaking, self.pupils, strict=True) if not pupil.retiring]
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *stayers)
        retired = [pupil for pupil in self.pupils if pupil.retiring]
        for pupil in retired:
            pupil.leave()
        staying = (pupil.stands() for pupil in self.pupils if not pupil.retiring)
        await self._within(SETTLE_SECONDS, "not everybody is there", *staying)
        await self._check_presence()
        for pupil in retired:
            pupil.recall()
        await self._within(SETTLE_SECONDS, "not everything was acknowledged", *speaking)
        await self._within(SETTLE_SECONDS, "not everybody is there", *(pupil.stands() for pupil in self.pupils))
        lasts = await self._say_last_words()
        await self._within(SETTLE_SECONDS, "history was not read", *(pupil.read_holes() for pupil in self.pupils))
        await self._come_back_from_the_beginning(self.pupils[0])
        return lasts

    async def _say_last_words(self) -> dict[str, int]:
        """Send a last message to each class while Redis is down: no later message can reveal its loss.

        Of a polling pupil's requests only every fourth or so reaches the worker of the session then, so that pupil may
        get the message only when Redis is back.
        """
        self._site.redis.kill()
        polling: list[asyncio.Task[None]] = []
        try:
            last_speakers = {topic: pupil for pupil in self.pupils for topic in pupil.diaries}
            saying = (pupil.say_last(topic) for topic, pupil in last_speakers.items())
            await self._within(SETTLE_SECONDS, "not everything was acknowledged", *saying)
            began = _now()
            lasts = last_positions(self.pupils)
            polling += [asyncio.create_task(self._catch_up(each, lasts, began)) for each in self.pupils if each.polls]
            catching_up = (self._catch_up(pupil, lasts, began) for pupil in self.pupils if not pupil.polls)
            await self._within(SETTLE_SECONDS, "not everybody has everything", *catching_up)
            if polling:
                await asyncio.wait(polling, timeout=SETTLE_SECONDS)
        finally:
            await asyncio.to_thread(self._site.redis.start)
        await self._within(SETTLE_SECONDS, "not everybody who polls has everything", *polling)
        return lasts

    async def _catch_up(self, pupil: Pupil, lasts: dict[str, int], began: float) -> None:
        await caught_up(pupil, lasts)
        self._had_last_words[pupil] = _now() - began

    async def _come_back_from_the_beginning(self, one: Pupil) -> None:
        """Connect a client that has missed everything: sometimes more than one reply holds."""
        self._returned.remember_only(one.epoch, one.diaries)
        coming = asyncio.create_task(self._returned.run())
        await self._within(COME_SECONDS, "who was away for very long does not get in", self._returned.here.wait())
        await self._within(SETTLE_SECONDS, "history was not read", self._returned.read_holes())
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        self._returned.close()

    # Presence

    async def _check_presence(self) -> None:
        """Wait until presence is correct for every pupil; allow more time for pupils who polled and left."""
        polled = [pupil for pupil in self.pupils if pupil.retiring and pupil.polls]
        self._presence_seconds = await self._until_presence_is_right(polled, PRESENCE_SECONDS)
        await self._until_presence_is_right([], POLLED_SECONDS)

    async def _until_presence_is_right(self, perhaps: Sequence[Pupil], seconds: float) -> float:
        began = _now()
        while wrong := self._wrong_presence(perhaps):
            if _now() - began > seconds:
                self._waiting.stuck.append(f"presence is wrong after {seconds} s: {wrong}")
                break
            await asyncio.sleep(0.1)
        return _now() - began

    def _wrong_presence(self, perhaps: Sequence[Pupil]) -> str | None:
        here = [pupil for pupil in self.pupils if not pupil.retiring]
        members = Counter(topic for pupil in here for topic in pupil.diaries)
        spare = Counter(topic for pupil in perhaps for topic in pupil.diaries)
        for pupil in here:
            for topic in pupil.diaries:
                shown = len(pupil.presence.get(topic, {}))
                if not members[topic] <= shown <= members[topic] + spare[topic]:
                    return f"{pupil.name} is shown {shown} in {topic}, and {members[topic]} are there"
        return None

    # The verdict

    def _outcome(self, lasts: dict[str, int]) -> Outcome:
        pupils = [*self.pupils, self._returned]
        topics = {topic: [p.diaries[topic] for p in pupils if topic in p.diaries] for topic in lasts}
        firsts = {
            topic: min(first_position(p.diaries[topic]) for p in self.pupils if topic in p.diaries) for topic in lasts
        }
        verdict = judge(topics, firsts, lasts)
        verdict.breaches += self._waiting.stuck + [each for pupil in self.pupils for each in pupil.complaints]
        refusals = [each for pupil in self.pupils for each in pupil.refusals]
        hang_ups = [fault for fault in self._faults if fault.kind == "hang-up"]
        return Outcome(
            self._seed,
            verdict,
            self._felt([pupil for pupil in self.pupils if not pupil.polls], self._timeline_of_websockets),
            self._felt(self.pupils, self._timeline),
            self._presence_seconds,
            sum(pupil.pushes_again for pupil in self.pupils),
            sum(_holes(diary) for diaries in topics.values() for diary in diaries),
            Counter(why for _, why in refusals),
            sum(fault.began <= at <= self._next(fault) for at, _ in refusals for fault in hang_ups),
            Counter(code for pupil in self.pupils for code in pupil.closings.elements() if code is not None),
            sum((pupil.put_off for pupil in self.pupils), Counter[str]()),
        )

    def _felt(self, pupils: Sequence[Pupil], timeline: Timeline) -> Felt:
        return Felt(
            timeline.heals(self._faults),
            [timeline.silence(fault.began, fault.over) for fault in self._faults if fault.kind in _REDIS],
            max(pupil.longest_return for pupil in pupils),
            max((self._had_last_words.get(pupil, 0.0) for pupil in pupils), default=0.0),
        )

    def _next(self, fault: Fault) -> float:
        return min((each.began for each in self._faults if each.began > fault.began), default=float("inf"))


def _holes(diary: Diary) -> int:
    return sum(isinstance(entry, Joined) and not entry.complete for entry in diary.entries)


def _now() -> float:
    return asyncio.get_running_loop().time()
