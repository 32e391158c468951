"""The lock that gives processes their order of writing to one SQLite file."""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from channels.journal.write_lock import WriteLock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


def test_free_lock_is_acquired_at_once(path: str) -> None:
    lock = WriteLock(path)
    for _ in range(3):
        lock.acquire(0)
        lock.release()
    lock.close()


def test_waiting_process_gets_the_lock_next(path: str) -> None:
    one, two = WriteLock(path), WriteLock(path)
    one.acquire(0)
    threading.Timer(0.05, one.release).start()
    two.acquire(5)
    with pytest.raises(TimeoutError, match="writing for too long"):
        one.acquire(0.01)
    two.close()
    one.acquire(5)
    one.close()


def test_wait_that_timed_out_passes_the_lock_on(path: str) -> None:
    one, two, three = WriteLock(path), WriteLock(path), WriteLock(path)
    one.acquire(0)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            two.acquire(0.01)  # `two` stays idle from here on
    one.release()
    three.acquire(5)
    three.release()
    two.acquire(5)
    with pytest.raises(TimeoutError):
        three.acquire(0.01)
    for lock in (one, two, three):
        lock.close()


def test_timed_out_waits_leave_at_most_one_thread_and_file(path: str) -> None:
    holder, other = WriteLock(path), WriteLock(path)
    holder.acquire(0)
    threads, files = threading.active_count(), _open_files()
    for _ in range(20):
        with pytest.raises(TimeoutError):
            other.acquire(0.005)
    assert threading.active_count() <= threads + 1
    assert _open_files() <= files + 1
    holder.release()
    other.acquire(5)
    other.release()
    assert _open_files() <= files
    holder.close()
    other.close()


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _take_and_stay(path: str) -> None:
    lock = WriteLock(path)
    lock.acquire(5)
    time.sleep(60)
    lock.release()


def test_lock_of_a_killed_process_is_released(path: str) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_take_and_stay, args=(path,))
    process.start()
    lock = WriteLock(path)
    deadline = time.monotonic() + 30
    while not _is_taken(lock):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(TimeoutError):
        lock.acquire(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    lock.acquire(10)
    lock.release()
    lock.close()
    process.join()


def _is_taken(lock: WriteLock) -> bool:
    try:
        lock.acquire(0.001)
    except TimeoutError:
        return True
    lock.release()
    return False
