"""Wait for conditions after the faults have ended: each has a deadline, and a complaint if it is missed."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Protocol

from tests.faults.diary import Acknowledged, Diary, Joined


class Member(Protocol):
    """One client of several classes, with a diary and a position for each."""

    diaries: dict[str, Diary]
    positions: dict[str, int]


class Waiting:
    """Waits with deadlines; `stuck` collects the complaints about missed ones."""

    def __init__(self) -> None:
        self.stuck: list[str] = []

    async def within(self, seconds: float, complaint: str, *work: Awaitable[object]) -> bool:
        """Wait for all of the work; cancel what takes longer and add a complaint."""
        tasks = [asyncio.ensure_future(each) for each in work]
        done, late = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set())
        for task in done:
            task.result()
        for task in late:
            task.cancel()
        if late:
            self.stuck.append(f"{complaint} within {seconds:.0f} s: {len(late)} of {len(tasks)} are missing")
        return not late


def last_positions(members: Iterable[Member]) -> dict[str, int]:
    """Return the newest acknowledged position of each class."""
    lasts: dict[str, int] = {}
    for member in members:
        for topic, diary in member.diaries.items():
            acknowledged = [entry.seq for entry in diary.entries if isinstance(entry, Acknowledged)]
            lasts[topic] = max([lasts.get(topic, 0), *acknowledged])
    return lasts


def first_position(diary: Diary) -> int:
    """Return where the topic stood when the client first joined it."""
    return next(entry.seq for entry in diary.entries if isinstance(entry, Joined))


async def caught_up(member: Member, lasts: Mapping[str, int]) -> None:
    """Wait until a client has reached all these positions."""
    while any(member.positions.get(topic, 0) < lasts[topic] for topic in member.diaries):
        await asyncio.sleep(0.02)
