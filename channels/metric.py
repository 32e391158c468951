"""What a worker counts for a monitor: plain integers, kept where things happen, read when somebody asks.

    Histogram.observe, += 1 -> a reader, at a request -> Sample -> the worker that was asked (`channels.cluster.scrape`)

Counters grow for as long as the worker lives, and begin at 0 in the next one. Nothing is counted per delivery.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum

import msgspec

# Bounds of durations, in seconds: from a turn of an idle event loop to what a push may take until it fails (5 s).
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Bounds of what one transaction holds: up to the most that it may.
ENTRIES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


class Kind(StrEnum):
    """How a number behaves: it only grows, it goes up and down, or it is a distribution."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True):
    """A number that a worker reports: its name, what it means, and the names of the labels that split it.

    Every label has few values, all of them ours: no user, no topic and no address.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()

    def of(self, value: "float | Distribution", *labels: str) -> "Sample":
        """Make a sample of this metric."""
        return Sample(self.name, value if isinstance(value, Distribution) else float(value), labels)


class Distribution(msgspec.Struct, array_like=True, frozen=True):
    """How many observations were at most each bound, how many were above the last one, and the sum of all."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """The value of a metric now, with the values of its labels."""

    name: str
    value: float | Distribution
    labels: Sequence[str] = ()


class Histogram:
    """A distribution that grows; an observation costs 0.15 µs."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def read(self) -> Distribution:
        """Return what was observed so far."""
        return Distribution(self._bounds, list(self._counts), self._sum)
