"""Pauses of one process end together, and never later than they would by themselves."""

import os
import time

import pytest

from channels.pace import TICK_SECONDS, until_tick


def ends(monkeypatch: pytest.MonkeyPatch, now: float, seconds: float) -> float:
    monkeypatch.setattr(time, "monotonic", lambda: now)
    return now + until_tick(seconds)


def test_pauses_end_on_one_grid_and_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ends(monkeypatch, 1_000.0, 1.0)
    for now, seconds in ((1_000.03, 0.5), (1_000.1, 2.0), (1_000.2, 0.8), (1_234.5, 0.25)):
        end = ends(monkeypatch, now, seconds)
        assert now + seconds - TICK_SECONDS < end <= now + seconds
        assert (end - first) / TICK_SECONDS == pytest.approx(round((end - first) / TICK_SECONDS), abs=1e-6)


def test_loop_that_takes_its_time_keeps_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = ends(monkeypatch, 1_000.0, 1.0)
    for late in (0.1, 0.0, -1e-9):
        assert ends(monkeypatch, tick + late, 0.5) == pytest.approx(tick + 0.5, abs=1e-6)


def test_short_pauses_are_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(monkeypatch, 1_000.0, 0.02) == 1_000.02


def test_two_processes_wake_at_different_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for number in (4_000, 4_001, 4_002):
        monkeypatch.setattr(os, "getpid", lambda number=number: number)
        found.add(round(ends(monkeypatch, 1_000.0, 1.0), 3))
    assert len(found) == 3
