"""The plan made from a seed: which line loses which packets, when and for how long."""

import random
from collections.abc import Sequence

from tests.faults.cluster.plan import Step
from tests.machine import Machine

# A transaction gives up after 4 s and a push after 5, Redis counts as away after 2, a silent worker after 6.
SHORT_SECONDS = (0.5, 3.5)
LONG_SECONDS = (6.5, 12.0)
LOSS_PERCENT = 20
LOSS_SECONDS = 10.0

# From the end of a fault to the beginning of the next one.
_BETWEEN = (2.5, 4.5)

LOSS = "loss"
_WAYS = ("to", "from", "both ways to")
KINDS = {place: [f"{way} {place}" for way in _WAYS] for place in ("postgresql", "redis", "everything")}


def make_plan(seed: int, kinds: Sequence[str]) -> list[Step]:
    """Choose an order and the times: each kind for a short time on one machine and for a long one on the other."""
    choose = random.Random(seed)
    faults = [fault for kind in kinds for fault in _faults(choose, kind)]
    choose.shuffle(faults)
    steps, at = [], 0.0
    for kind, seconds, machine in faults:
        at += choose.uniform(*_BETWEEN)
        steps.append(Step(at, (kind,), seconds, machine))
        at += seconds
    return steps


def _faults(choose: random.Random, kind: str) -> list[tuple[str, float, int]]:
    machine = choose.randrange(2)
    times = [LOSS_SECONDS] * 2 if kind == LOSS else [choose.uniform(*SHORT_SECONDS), choose.uniform(*LONG_SECONDS)]
    return [(kind, times[0], machine), (kind, times[1], 1 - machine)]


def cut(machine: Machine, kind: str, ports: dict[str, int]) -> None:
    """Begin a fault of a machine's line; `ports` are those of its services."""
    if kind == LOSS:
        machine.lose(LOSS_PERCENT)
        return
    way, _, place = kind.rpartition(" ")
    chosen = ", ".join(str(port) for name, port in ports.items() if place in (name, "everything"))
    sent = [f"tcp dport {{ {chosen} }}"] if way != "from" else []
    received = [f"tcp sport {{ {chosen} }}"] if way != "to" else []
    machine.drop(sent=sent, received=received)
