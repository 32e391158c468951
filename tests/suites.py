"""How the tests are dealt out: which must share a process, which come first, and how many were left for a longer run.

A plugin of pytest, named in pyproject.toml. Tests run side by side in several processes (pytest-xdist); a group runs in
one process, in order, because its tests share servers that are expensive to start.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent

# Folders and modules whose tests share servers over a whole session or module.
GROUPS = ("interop", "scenarios", "faults/test_network.py")

# They wait most of their time: begun late, they would be what everybody waits for in the end.
FIRST = ("faults", "scenarios", "interop", "browser")

_LEFT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each test into its group, and those that take long before the others."""
    for item in items:
        group = next((name for name in GROUPS if _is_in(item, name)), None)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: next((n for n, name in enumerate(FIRST) if _is_in(item, name)), len(FIRST)))


def _is_in(item: pytest.Item, name: str) -> bool:
    return item.path.is_relative_to(ROOT / name)


# Under xdist the processes that run tests know what was left out; the one that reports is told at their end.


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the long tests that `-m "not long"` leaves out."""
    if items:
        stash = items[0].config.stash
        stash[_LEFT] = stash.get(_LEFT, 0) + sum(item.get_closest_marker("long") is not None for item in items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = session.config.stash.get(_LEFT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a process said; each collects all tests, so each says the same."""
    node.config.stash[_LEFT] = getattr(node, "workeroutput", {}).get("left", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many were left."""
    left = terminalreporter.config.stash.get(_LEFT, 0)
    if left:
        terminalreporter.write_line(f"{left} long tests were left for `make test-long`.")
