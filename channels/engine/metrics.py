"""The engine's numbers for a monitor: what its parts have counted, as samples; nothing is counted here but the lag."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from channels.broker.broker import Broker
from channels.cluster.rpc import Rpc
from channels.engine.dispatcher import Dispatcher
from channels.engine.pushes import Pushes
from channels.journal.journal import Journal
from channels.metric import Histogram, Kind, Metric, Sample
from channels.sessions.registry import Registry
from channels.topics.hub import Hub

# How often the lag of the event loop is looked at: a delay that lasts is seen, and an idle worker is hardly woken.
LAG_SECONDS = 0.25

COUNTER, GAUGE, HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

CONNECTIONS = Metric("lousa_connections", GAUGE, "Open connections of clients.", ("role", "transport"))
OPENED = Metric("lousa_connections_opened_total", COUNTER, "Connections opened.", ("role",))
CLOSED = Metric(
    "lousa_connections_closed_total",
    COUNTER,
    "Connections closed, by close code; 4008: the client read too slowly, and its outbox was full.",
    ("code",),
)
TOPICS = Metric("lousa_topics", GAUGE, "Topics in memory.")
JOINS = Metric("lousa_joins_total", COUNTER, "Joins of topics.")
PUSHES = Metric("lousa_pushes_total", COUNTER, "Pushes that their authors may make, by event.", ("event",))
REFUSALS = Metric("lousa_refusals_total", COUNTER, "Joins and pushes answered with an error, by code.", ("code",))
DELIVERY = Metric(
    "lousa_delivery_seconds",
    HISTOGRAM,
    "From a push's entry into the journal's queue until it was written to the last client of the worker that took it; "
    "one observation for each transaction, of its oldest push.",
)
COMMIT_SECONDS = Metric("lousa_commit_seconds", HISTOGRAM, "What a transaction of the journal took.")
COMMIT_ENTRIES = Metric("lousa_commit_entries", HISTOGRAM, "Entries in a transaction of the journal.")
STORED = Metric("lousa_entries_committed_total", COUNTER, "Entries that transactions of the journal held.")
FAILED = Metric("lousa_commit_failures_total", COUNTER, "Transactions that found the journal's database away.")
QUEUED = Metric("lousa_journal_queue", GAUGE, "Entries that wait for their transaction.")
WRITABLE = Metric("lousa_journal_writable", GAUGE, "1, or 0 where the last transaction found the database away.")
READABLE = Metric("lousa_journal_readable", GAUGE, "1, or 0 where the last read found the database away.")
BROKER = Metric("lousa_broker_connected", GAUGE, "1 where what is published reaches the other workers, else 0.")
LOST = Metric("lousa_broker_disconnections_total", COUNTER, "How often the broker was lost.")
RELAYED = Metric(
    "lousa_broker_envelopes_total",
    COUNTER,
    "Envelopes published to other workers, received from them, and dropped because the broker was away or behind.",
    ("direction",),
)
ROUND_TRIP = Metric("lousa_broker_round_trip_seconds", HISTOGRAM, "From a probe's publication until it came back.")
CALLS = Metric("lousa_rpc_calls_total", COUNTER, "Calls of other workers for long polls, by outcome.", ("outcome",))
LAG = Metric("lousa_event_loop_lag_seconds", HISTOGRAM, "How late the event loop is, four times a second.")

METRICS = (
    CONNECTIONS,
    OPENED,
    CLOSED,
    TOPICS,
    JOINS,
    PUSHES,
    REFUSALS,
    DELIVERY,
    COMMIT_SECONDS,
    COMMIT_ENTRIES,
    STORED,
    FAILED,
    QUEUED,
    WRITABLE,
    READABLE,
    BROKER,
    LOST,
    RELAYED,
    ROUND_TRIP,
    CALLS,
    LAG,
)


class Numbers:
    """Reads the parts of one engine."""

    def __init__(
        self,
        registry: Registry,
        hub: Hub,
        journal: Journal,
        broker: Broker,
        rpc: Rpc,
        dispatcher: Dispatcher,
        pushes: Pushes,
    ) -> None:
        self._registry = registry
        self._hub = hub
        self._journal = journal
        self._broker = broker
        self._rpc = rpc
        self._dispatcher = dispatcher
        self._pushes = pushes
        self._lag = Histogram()

    async def watch_lag(self, seconds: float) -> None:
        """Observe, every `seconds`, how much later the event loop comes back, until cancelled."""
        time = asyncio.get_running_loop().time
        while True:
            due = time() + seconds
            await asyncio.sleep(seconds)
            self._lag.observe(time() - due)

    def read(self) -> Iterator[Sample]:
        """Return all of them as they stand now."""
        yield from self._read_clients()
        yield from self._read_journal()
        yield from self._read_cluster()
        yield LAG.of(self._lag.read())

    def _read_clients(self) -> Iterator[Sample]:
        # Counted now, and not at each change: a whole worker's 5,000 take about a millisecond.
        connections = Counter((each.member.user.role, each.transport_name) for each in self._registry)
        for (role, transport), number in connections.items():
            yield CONNECTIONS.of(number, role, transport)
        yield from _by_label(OPENED, self._registry.opened)
        yield from _by_label(CLOSED, self._registry.closed)
        yield TOPICS.of(len(self._hub.topics))
        yield JOINS.of(self._dispatcher.joined)
        yield from _by_label(PUSHES, self._pushes.pushed)
        yield from _by_label(REFUSALS, self._pushes.failures.refused)
        yield DELIVERY.of(self._hub.fan_out.delivery.read())

    def _read_journal(self) -> Iterator[Sample]:
        commits = self._journal.commits
        yield COMMIT_SECONDS.of(commits.seconds.read())
        yield COMMIT_ENTRIES.of(commits.sizes.read())
        yield STORED.of(commits.entries)
        yield FAILED.of(commits.failures)
        yield QUEUED.of(self._journal.queued)
        yield WRITABLE.of(self._journal.can_write)
        yield READABLE.of(self._journal.can_read)

    def _read_cluster(self) -> Iterator[Sample]:
        relayed = self._broker.relayed
        yield BROKER.of(self._broker.connected)
        yield LOST.of(relayed.lost)
        yield RELAYED.of(relayed.published, "published")
        yield RELAYED.of(relayed.received, "received")
        yield RELAYED.of(relayed.dropped, "dropped")
        yield ROUND_TRIP.of(relayed.round_trip.read())
        yield from _by_label(CALLS, self._rpc.outcomes)


def _by_label(metric: Metric, counts: Mapping[Any, int]) -> Iterator[Sample]:
    for label, count in counts.items():
        yield metric.of(count, str(label))
