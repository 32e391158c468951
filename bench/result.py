"""Results: figures of all rounds, the best and middle ones, Markdown tables, and a file with everything."""

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
    """Return a percentile of sorted values; 0 for an empty list."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def machine() -> dict[str, Any]:
    """Describe the machine, the date and the load by other programs."""
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
    """Write the figures of all rounds and their tables into `build/bench`, and print the tables."""
    BUILD.mkdir(parents=True, exist_ok=True)
    everything = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (BUILD / f"{name}.json").write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n")
    (BUILD / f"{name}.md").write_text(report + "\n")
    print(report, flush=True)


def say(text: str) -> None:
    """Print the progress of a benchmark to standard error."""
    print(f"# [{os.getloadavg()[0]:.1f}] {text}", file=sys.stderr, flush=True)
