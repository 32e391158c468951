"""Threads get the interpreter soon."""

import sys

import pytest

from server.process import threads


def test_waiting_threads_run_soon() -> None:
    before = sys.getswitchinterval()
    try:
        threads.settle()
        assert sys.getswitchinterval() == pytest.approx(threads.SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)
