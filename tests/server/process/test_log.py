import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.process.log import LogStyle


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
