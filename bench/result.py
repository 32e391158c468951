"""Results: rounds of figures, the best and the middle of them, tables in Markdown, and a file that keeps all."""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from bench.install import BUILD

MICROSECONDS = 1e6
MILLISECONDS = 1e3
KIB = 1024

F = TypeVar("F")


def middle(figures: Sequence[F], key: Callable[[F], float]) -> F:
    """Return the figure in the middle; of an even number, the lesser one."""
    return sorted(figures, key=key)[(len(figures) - 1) // 2]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent of the sorted values are; 0 where there are none."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def machine() -> dict[str, Any]:
    """Tell where and when this was measured, and how busy the machine was with other things."""
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1024**2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
        "date": date.today().isoformat(),  # noqa: DTZ011  # the machine's own date is meant
    }


def _field(path: str, name: str) -> str:
    lines = (line.partition(":") for line in Path(path).read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown 0")


def keep(name: str, figures: Sequence[Any], report: str) -> None:
    """Write the figures of all rounds and their tables beside each other into `build/bench`, and print the tables."""
    BUILD.mkdir(parents=True, exist_ok=True)
    everything = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (BUILD / f"{name}.json").write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n")
    (BUILD / f"{name}.md").write_text(report + "\n")
    print(report, flush=True)


def say(text: str) -> None:
    """Tell how far a measurement has got, apart from its results."""
    print(f"# [{os.getloadavg()[0]:.1f}] {text}", file=sys.stderr, flush=True)
