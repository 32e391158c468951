"""Draws the results: runs in the peers' Python, which has matplotlib, and imports nothing of the project.

plot.py FOLDER      reads fanout.json and classes.json there, and writes fanout.svg and classes.svg
"""

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

Figure = dict[str, Any]

LOUSA = "Lousa"
OURS, THEIRS = "#1b7f5c", "#a9b4bd"
SIZE = (10, 4.2)
MICROSECONDS, MILLISECONDS = 1e6, 1e3


def main(folder: Path) -> None:
    """Draw what there is."""
    # Text stays text, and the same figures make the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lousa", "font.size": 9})
    _draw(folder, "fanout", "in_flight", "{} in flight", "deliveries a second", _rate, max)
    _draw(
        folder, "classes", "rate", "{:,.0f} messages a second", "server CPU, µs a message", _cost, statistics.median_low
    )


def _rate(figure: Figure) -> float:
    return float(figure["messages"] * figure["clients"] / figure["seconds"])


def _cost(figure: Figure) -> float:
    return float(figure["server_cpu"] / figure["messages"] * MICROSECONDS)


def _draw(
    folder: Path,
    name: str,
    key: str,
    title: str,
    label: str,
    value: Callable[[Figure], float],
    choose: Callable[[list[float]], float],
) -> None:
    """Draw bars, a panel for each value of `key`: of all rounds of a server the one that `choose` takes."""
    file = folder / f"{name}.json"
    if not file.exists():
        return
    # Commits, which belong to no server, are not drawn.
    figures: list[Figure] = [each for each in json.loads(file.read_text())["figures"] if key in each]
    panels = sorted({figure[key] for figure in figures})
    drawing, axes = pyplot.subplots(1, len(panels), figsize=SIZE, squeeze=False)
    for panel, axis in zip(panels, axes[0], strict=True):
        rounds: defaultdict[str, list[float]] = defaultdict(list)
        for figure in figures:
            if figure[key] == panel:
                rounds[figure["server"]].append(value(figure))
        bars = sorted(((choose(values), server) for server, values in rounds.items()), reverse=choose is not max)
        _bars(axis, bars)
        axis.set_title(title.format(panel), loc="left")
        axis.set_xlabel(label)
    drawing.tight_layout()
    drawing.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _bars(axis: Any, bars: list[tuple[float, str]]) -> None:
    values, names = [value for value, _ in bars], [server for _, server in bars]
    drawn = axis.barh(names, values, color=[OURS if server.startswith(LOUSA) else THEIRS for server in names])
    axis.bar_label(drawn, [f"{value:,.0f}" for value in values], padding=3)
    axis.set_xmargin(0.2)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
