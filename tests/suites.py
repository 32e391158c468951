"""How the tests are dealt out: which must share a process, which come first, and how many were left for a longer run.

A plugin of pytest, named in pyproject.toml. Tests run side by side in several processes (pytest-xdist); a group runs in
one process, in order, because its tests share servers that are expensive to start.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent

# Folders and modules whose tests share servers over a whole session or module.
GROUPS = ("tests/interop/", "tests/scenarios/", "tests/faults/test_network.py")

# They wait for most of their time. Begun late, they would keep the whole run waiting at its end.
FIRST = ("faults", "scenarios", "interop", "browser")

_LEFT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take long before the others."""
    items.sort(key=lambda item: next((n for n, name in enumerate(FIRST) if _is_in(item, name)), len(FIRST)))


def _is_in(item: pytest.Item, name: str) -> bool:
    return item.path.is_relative_to(ROOT / name)


class _ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process a group, or else a single test; with pytest 9.2 the groups of xdist itself have no effect."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in GROUPS if group in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return who deals the tests out to the processes."""
    return _ByGroup(config, log)


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
