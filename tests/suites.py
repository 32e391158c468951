"""Distributes the tests: which share a process, which run first, and how many are left for the long run.

A pytest plugin, enabled in pyproject.toml. Tests run in parallel processes (pytest-xdist); a group runs in one
process, in order, because its tests share servers that are expensive to start.
"""

import gc
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Folders and modules whose tests share servers over a whole session or module.
GROUPS = (
    "tests/hostile/test_attackers.py",
    "tests/hostile/test_cross_site.py",
    "tests/interop/",
    "tests/oidc/",
    "tests/scenarios/",
    "tests/faults/test_network.py",
)

# These tests mostly wait: the longest of faults use 15 % of a core. Started late, they would delay the end of the run;
# started in all processes at once, they would leave the cores idle. So half of the processes run them, and the others
# run tests that compute, the slow ones of browsers first.
WAITING = ("tests/faults/", "tests/scenarios/", "tests/interop/", "tests/hostile/", "tests/oidc/")
FIRST = (*WAITING, "tests/browser/")

# The tests of the journal and of the accounts' tables show that both databases keep their contract. These reach it
# through other modules, and rarely find more: on PostgreSQL they run in `make test-long` only, but for pushes that
# several workers write at once and features with statements of their own.
ON_POSTGRESQL_LONG = (
    "tests/faults/test_rules.py",
    "tests/channels/engine/",
    "tests/channels/lesson/",
    "tests/channels/topics/",
    "tests/channels/test_contract.py",
    "tests/server/accounts/",
    "tests/server/rosters/",
)
ON_POSTGRESQL_ALWAYS = (
    "tests/channels/engine/test_rerun.py",
    "tests/channels/lesson/test_acknowledging.py",
    "tests/channels/lesson/test_polls.py",
    "tests/channels/lesson/test_search.py",
    "tests/server/accounts/test_accounts.py",
    "tests/server/accounts/test_first_administrator.py",
    "tests/server/accounts/test_local_sign_in.py",
    "tests/server/accounts/test_users.py",
    "tests/server/rosters/test_samples.py",
)

_LEFT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that wait first, and mark those that are long on PostgreSQL."""
    for item in items:
        if _is_long_on_postgresql(item):
            item.add_marker("long")
    items.sort(key=lambda item: next((n for n, name in enumerate(FIRST) if item.nodeid.startswith(name)), len(FIRST)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exempt the modules and collected tests from garbage collections: only what tests create is examined."""
    gc.collect()
    gc.freeze()


def _is_long_on_postgresql(item: pytest.Item) -> bool:
    is_always = item.nodeid.startswith(ON_POSTGRESQL_ALWAYS)
    return "[postgresql" in item.name and item.nodeid.startswith(ON_POSTGRESQL_LONG) and not is_always


class _ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Assigns groups and single tests to processes; with pytest 9.2 xdist's own groups have no effect."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._last: dict[Any, str] = {}  # what each process was given last

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in GROUPS if group in nodeid), nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        """Give the process the first unit of its kind; of the other kind if none is left."""
        elsewhere = sum(self._last.get(other, "").startswith(WAITING) for other in self.nodes if other is not node)
        waits = elsewhere < max(1, len(self.nodes) // 2)
        units = (unit for unit in self.workqueue if unit.startswith(WAITING) == waits)
        self._last[node] = unit = next(units, next(iter(self.workqueue)))
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return the scheduler of the test processes."""
    return _ByGroup(config, log)


# Under xdist only the test processes know the deselected tests; they report the number to the main process at the end.


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the long tests that `-m "not long"` leaves out."""
    if items:
        stash = items[0].config.stash
        stash[_LEFT] = stash.get(_LEFT, 0) + sum(item.get_closest_marker("long") is not None for item in items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Report the number to the main process."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left"] = session.config.stash.get(_LEFT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Store the number of a test process; each collects all tests, so all report the same."""
    node.config.stash[_LEFT] = getattr(node, "workeroutput", {}).get("left", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many long tests were left."""
    left = terminalreporter.config.stash.get(_LEFT, 0)
    if left:
        terminalreporter.write_line(f"{left} long tests were left for `make test-long`.")
