"""Who may write next to a file that several processes write to."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from channels.journal.write_lock import Turn


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "turn")


def test_alone_it_is_always_ones_turn(path: str) -> None:
    turn = Turn(path)
    for _ in range(3):
        turn.take(0)
        turn.give()
    turn.close()


def test_who_waits_has_the_next_turn(path: str) -> None:
    one, two = Turn(path), Turn(path)
    one.take(0)
    threading.Timer(0.05, one.give).start()
    two.take(5)
    with pytest.raises(TimeoutError, match="writing for too long"):
        one.take(0.01)
    two.close()
    one.take(5)
    one.close()


def test_the_turn_of_one_who_gave_up_waiting_passes_by(path: str) -> None:
    one, two, three = Turn(path), Turn(path), Turn(path)
    one.take(0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            two.take(0.01)  # and is idle from now on
    one.give()
    three.take(5)
    three.give()
    two.take(5)
    with pytest.raises(TimeoutError):
        three.take(0.01)
    for turn in (one, two, three):
        turn.close()


def _take_and_stay(path: str) -> None:
    turn = Turn(path)
    turn.take(5)
    time.sleep(60)
    turn.give()


def test_the_turn_of_a_process_that_dies_is_the_next_ones(path: str) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_take_and_stay, args=(path,))
    process.start()
    turn = Turn(path)
    deadline = time.monotonic() + 30
    while not _is_taken(turn):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(TimeoutError):
        turn.take(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    turn.take(10)
    turn.give()
    turn.close()
    process.join()


def _is_taken(turn: Turn) -> bool:
    try:
        turn.take(0.001)
    except TimeoutError:
        return True
    turn.give()
    return False
