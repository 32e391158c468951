"""The plan made from a seed: which faults happen, when, for how long and to which victims."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

# Each kind of fault, with its shortest and longest duration in seconds.
KINDS = {
    "kill-worker": (0.0, 0.0),
    "freeze-worker": (1.0, 10.0),
    "kill-redis": (0.5, 6.0),
    "restart-redis": (0.0, 0.0),
    "freeze-redis": (1.0, 8.0),
    "cut-pubsub": (0.0, 0.0),
    "tiny-buffer": (1.5, 3.0),
    "half-open": (0.0, 0.0),
    "hang-up": (0.0, 0.0),
    "restart-postgresql": (0.0, 4.0),
    "freeze-postgresql": (1.0, 7.0),
    "end-backends": (0.0, 0.0),
    "restart-pgbouncer": (0.0, 4.0),
    "freeze-pgbouncer": (1.0, 7.0),
    "two-at-once": (1.0, 5.0),
}
_ONLY_WITH = {"postgresql": ("postgresql", "backends"), "pgbouncer": ("pgbouncer",)}

# A double fault takes one of each.
_OF_WORKERS = ("kill-worker", "freeze-worker", "hang-up")
_OF_REDIS = ("kill-redis", "freeze-redis", "cut-pubsub")

# From the end of a fault to the beginning of the next; a rolling replacement takes longer.
_BETWEEN = (2.5, 4.5)
_AFTER_HANG_UP = 4.0

# No fault at the start, while pupils connect, or at the end: each fault must end under load.
_BEFORE = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: when it begins (seconds from the start), of which kinds, for how long; `dice` chooses victims."""

    at: float
    kinds: tuple[str, ...]
    seconds: float
    dice: int

    @property
    def name(self) -> str:
        """The step's name in the report."""
        return self.kinds[0] if len(self.kinds) == 1 else "two-at-once"

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:4.1f} s {' + '.join(self.kinds)}{lasting}"


def kinds_for(database: str) -> tuple[str, ...]:
    """Return the faults of a site with such a database: what `pgbouncer` has, PostgreSQL has behind it."""
    has = {"sqlite": (), "postgresql": ("postgresql",), "pgbouncer": ("postgresql", "pgbouncer")}[database]
    lacking = tuple(end for name, ends in _ONLY_WITH.items() if name not in has for end in ends)
    return tuple(kind for kind in KINDS if not kind.endswith(lacking)) if lacking else tuple(KINDS)


def make_plan(seed: int, seconds: float, kinds: Sequence[str]) -> list[Step]:
    """Choose the steps of a schedule: each kind once, in an order of the seed's, and again as long as there is time."""
    choose = random.Random(seed)
    steps: list[Step] = []
    at, waiting = _BEFORE, [*kinds]
    choose.shuffle(waiting)
    while waiting:
        kind = waiting.pop(0)
        least, most = KINDS[kind]
        lasting = min(choose.uniform(least, most), seconds / 6)
        if at + lasting + _BETWEEN[0] > seconds:
            break
        pair = (choose.choice(_OF_WORKERS), choose.choice(_OF_REDIS)) if kind == "two-at-once" else (kind,)
        steps.append(Step(at, pair, lasting, choose.randrange(1_000_000)))
        at += lasting + choose.uniform(*_BETWEEN) + _AFTER_HANG_UP * ("hang-up" in pair)
        if not waiting:
            waiting = [*kinds]
            choose.shuffle(waiting)
    return steps
