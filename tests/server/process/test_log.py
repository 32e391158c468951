import io
import json
import logging
import socket
import struct
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.process.log import LogStyle
from tests.lousa import Lousa


@contextmanager
def logged(style: LogStyle, worker: str = "") -> Iterator[io.StringIO]:
    """Log in a style during the block, into a text."""
    root, alembic = logging.getLogger(), logging.getLogger("alembic")
    before, level = list(root.handlers), root.level
    root.handlers, text = [], io.StringIO()
    stderr, sys.stderr = sys.stderr, text
    try:
        style.apply(worker)
        yield text
    finally:
        sys.stderr, root.handlers = stderr, before
        root.setLevel(level)
        alembic.setLevel(logging.NOTSET)
        logging.captureWarnings(False)


def test_json_has_the_same_fields_in_each_line() -> None:
    with logged(LogStyle(format="json"), "worker 2") as text:
        logging.getLogger("lousa.part").info("%d messages\nin two lines", 2)
        try:
            raise ValueError("ão")
        except ValueError:
            logging.getLogger("lousa").exception("it failed")
    first, second = map(json.loads, text.getvalue().splitlines())
    assert list(first) == list(second)
    assert (first["level"], first["worker"], first["logger"]) == ("info", "worker 2", "lousa.part")
    assert first["message"] == "2 messages\nin two lines"
    assert first["time"].endswith("Z")
    assert first["exception"] is None
    assert "ValueError: ão" in second["exception"]


def test_json_names_no_worker_where_there_is_one() -> None:
    with logged(LogStyle(format="json")) as text:
        logging.getLogger("lousa").warning("so")
    assert json.loads(text.getvalue())["worker"] is None


def test_text_names_the_worker() -> None:
    with logged(LogStyle(), "worker 1") as text:
        logging.getLogger("lousa.part").info("it serves")
    assert " INFO worker 1: lousa.part: it serves" in text.getvalue()


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 1), ("error", 0)])
def test_the_level_leaves_out_what_is_less(level: str, count: int) -> None:
    with logged(LogStyle(level)) as text:
        logging.getLogger("lousa").debug("small")
        logging.getLogger("lousa").info("larger")
    assert len(text.getvalue().splitlines()) == count


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_every_line_of_a_server_is_json_also_of_hang_ups(workers: str, tmp_path: Path) -> None:
    """Scanners and load balancers connect, send half of something, and hang up: no error of ours."""
    options = ["--log-format", "json", "--workers", workers]
    with Lousa(tmp_path / "data", serve_options=options) as lousa:
        for sent in (b"", b"GET / HT", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            for resets in (False, True):
                _hang_up(lousa.port, sent, resets=resets)
        with urllib.request.urlopen(f"{lousa.url}/accounts/sign-in", timeout=10):
            pass
    lines = [line for line in lousa.log.splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in lines]
    assert {each["level"] for each in told} == {"info"}
    assert all(each["exception"] is None for each in told)
    assert any(" GET /accounts/" in each["message"] for each in told)
    # What is left was printed for people, on the standard output.
    rest = [line for line in lousa.log.splitlines() if not line.startswith("{")]
    assert rest[0].startswith("Lousa is open at")
    assert not any("Traceback" in line for line in rest)


def _hang_up(port: int, sent: bytes, *, resets: bool) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        if resets:  # a close then sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
