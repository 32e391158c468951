"""What the principal's dashboard costs a worker: the time of its event loop for each second, and what it sends.

One process without sockets. Every class has its students in it; in each second some of the classes get a message, and
some students come or go. A tick is what the engine does once a second: find what has changed, and encode it.
"""

import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.result import KIB, MILLISECONDS, keep, percentile, say, table
from channels.cluster.message_rates import MINUTE, MessageRates
from channels.cluster.presence import ONLINE, Presence
from channels.lesson.dashboard import DASHBOARD_CHANGED, Dashboard, Snapshot
from channels.limit import Limits
from channels.member import Classroom, Member, User
from channels.sessions.session import Session
from channels.wire.codec import JSON
from tests.channels.support import Notes

# Ten messages a minute in each class, and in each class somebody who comes or goes every 25 s: a lively lesson.
SECONDS_A_MESSAGE = 6
SECONDS_A_MOVE = 25
STUDENTS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One school: each tick's CPU in milliseconds, its bytes and rows on average, and the snapshot of a join."""

    classes: int
    ticks: list[float]
    bytes_a_tick: float
    rows_a_tick: float
    snapshot_ms: float
    snapshot_bytes: int


class Lessons:
    """A school in the middle of its lessons, on a clock that moves a second at a time."""

    def __init__(self, classes: int) -> None:
        self.now = 1_000_000.0 * MINUTE
        self.chance = random.Random(classes)
        self.classes = {number: Classroom(number, f"{number}º A · Matemática", 30) for number in range(1, classes + 1)}
        self.presence, self.rates = Presence(), MessageRates(lambda: self.now)
        self.dashboard = Dashboard(self.presence, self.rates)
        self._away: list[tuple[str, Session]] = []
        self._here = [self._enter(number, seat) for number in self.classes for seat in range(STUDENTS)]

    def _enter(self, number: int, seat: int) -> tuple[str, Session]:
        member = Member(User(number * STUDENTS + seat, "Ana", "student"), "ana", 1, {})
        session = Session(member, JSON, Limits(), 0.0, Notes())
        self.presence.enter(ONLINE, session)
        self.presence.enter(f"class:{number}", session)
        return f"class:{number}", session

    def second(self) -> None:
        """Let a second pass."""
        self.now += 1.0
        for number in self.chance.choices(range(1, len(self.classes) + 1), k=len(self.classes) // SECONDS_A_MESSAGE):
            self.rates.add(f"class:{number}")
        for _ in range(len(self.classes) // SECONDS_A_MOVE):
            come = self._away and self.chance.random() < 0.5
            before, after = (self._away, self._here) if come else (self._here, self._away)
            moved = before.pop(self.chance.randrange(len(before)))
            (self.presence.enter if come else self.presence.leave)(*moved)
            after.append(moved)
        self.presence.take_diffs()
        self.presence.take_unshared()


def measure(classes: Sequence[int], seconds: int) -> None:
    """Measure a school of each size and save the figures."""
    figures = [_measure(number, seconds) for number in classes]
    keep("dashboard", figures, report(figures))


def _measure(classes: int, seconds: int) -> Figure:
    lessons = Lessons(classes)
    _tick(lessons)
    gc.freeze()  # the students' sessions, as they are made here, are no part of the dashboard
    ticks, sizes, rows = [], [], []
    for _ in range(seconds):
        lessons.second()
        began = time.process_time()
        sizes.append(len(_tick(lessons)))
        ticks.append((time.process_time() - began) * MILLISECONDS)
        rows.append(lessons.dashboard.compared)
    took, snapshot = min((_join(lessons) for _ in range(5)), key=lambda each: each[0])
    say(f"{classes} classes: {percentile(sorted(ticks), 50):.2f} ms a tick")
    return Figure(classes, ticks, sum(sizes) / seconds, sum(rows) / seconds, took, snapshot)


def _tick(lessons: Lessons) -> bytes:
    changes = lessons.dashboard.changed(lessons.classes, 0)
    return DASHBOARD_CHANGED.encode(changes) if changes is not None else b""


def _join(lessons: Lessons) -> tuple[float, int]:
    began = time.process_time()
    snapshot: Snapshot = lessons.dashboard.view(0)
    size = len(JSON.reply("1", "1", "dashboard", "ok", snapshot))
    return (time.process_time() - began) * MILLISECONDS, size


def report(figures: Sequence[Figure]) -> str:
    """Make the table."""
    columns = ("classes", "a tick: p50", "p99", "longest", "rows compared", "sent each second", "a join: time", "size")
    return table(columns, [_row(figure) for figure in figures]) + "\n"


def _row(figure: Figure) -> list[str]:
    ticks = sorted(figure.ticks)
    return [
        f"{figure.classes:,}",
        *(f"{percentile(ticks, percent):.2f} ms" for percent in (50, 99, 100)),
        f"{figure.rows_a_tick:,.0f}",
        f"{figure.bytes_a_tick / KIB:.1f} KiB",
        f"{figure.snapshot_ms:.1f} ms",
        f"{figure.snapshot_bytes / KIB:.0f} KiB",
    ]
