"""Lines about requests are written together, in order, with the time of each; errors at once; none is left behind."""

import asyncio
import logging
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.request_log import MAX_GATHERED, RequestLog

NAME = "server.request_log"


def make_log(*, stopping: bool = False, gather_seconds: float = 3_600.0) -> RequestLog:
    """Return a log that writes by itself only much later."""
    return RequestLog(cast(Any, SimpleNamespace(responses=Counter(), stopping=stopping)), gather_seconds=gather_seconds)


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def test_lines_are_written_together_in_order_with_their_times(caplog: pytest.LogCaptureFixture) -> None:
    log = make_log()
    began = time.time()
    log.note_upgrade(101, "/students/socket", "192.0.2.7", 0.001)
    log.note_upgrade(403, "/teachers/socket", "192.0.2.8", 0.0)
    noted = time.time()
    assert caplog.records == []
    while time.time() < noted + 0.005:
        pass
    log.write()
    assert caplog.messages == ["101 GET /students/socket 192.0.2.7 1 ms", "403 GET /teachers/socket 192.0.2.8 0 ms"]
    for record in caplog.records:
        assert record.name == NAME
        assert began <= record.created <= noted
        assert record.msecs == int(record.created % 1 * 1000)
    log.write()
    assert len(caplog.records) == 2


async def test_lines_are_written_by_themselves_after_a_moment(caplog: pytest.LogCaptureFixture) -> None:
    log = make_log(gather_seconds=0.01)
    for number in range(2):
        log.note_upgrade(101, f"/{number}", "192.0.2.7", 0.0)
        async with asyncio.timeout(5):
            while len(caplog.records) <= number:
                await asyncio.sleep(0.001)
    assert caplog.messages == ["101 GET /0 192.0.2.7 0 ms", "101 GET /1 192.0.2.7 0 ms"]


async def test_an_error_is_written_at_once_after_the_lines_before_it(caplog: pytest.LogCaptureFixture) -> None:
    log = make_log()
    log.note_upgrade(503, "/students/socket", "192.0.2.7", 0.0)
    assert caplog.records == []
    log.note_upgrade(500, "/students/socket", "192.0.2.8", 0.0)
    assert [(record.levelname, record.args) for record in caplog.records] == [
        ("INFO", (503, "GET", "/students/socket", "192.0.2.7", 0.0)),
        ("ERROR", (500, "GET", "/students/socket", "192.0.2.8", 0.0)),
    ]


async def test_what_a_stop_interrupts_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    log = make_log(stopping=True)
    log.note_upgrade(500, "/students/socket", "192.0.2.8", 0.0)
    log.write()
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_no_more_lines_wait_than_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    log = make_log()
    for _ in range(MAX_GATHERED + 1):
        log.note_upgrade(101, "/students/socket", "192.0.2.7", 0.0)
    assert len(caplog.records) == MAX_GATHERED
    log.write()
    assert len(caplog.records) == MAX_GATHERED + 1


async def test_responses_count_also_where_their_lines_are_not_wanted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    watched = SimpleNamespace(responses=Counter[int](), stopping=False)
    log = RequestLog(cast(Any, watched))
    for status in (101, 101, 403):
        log.note_upgrade(status, "/students/socket", "192.0.2.7", 0.0)
    log.write()
    assert caplog.records == []
    assert watched.responses == {1: 2, 4: 1}
