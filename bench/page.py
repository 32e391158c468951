"""Puts the newest tables and plots of `build/bench` into docs/performance.md, each between its two marks.

<!-- fanout -->
the table
<!-- /fanout -->
"""

import json
import re
import shutil
import subprocess
from typing import Any

from bench.install import BUILD, PEERS_PYTHON, missing
from bench.result import say
from tests.lousa import ROOT

PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
PLOT = ROOT / "bench" / "plot.py"


def write() -> None:
    """Insert the available results; leave the others unchanged."""
    text = PAGE.read_text()
    for results in sorted(BUILD.glob("*.md")):
        measured = json.loads(results.with_suffix(".json").read_text())["machine"]
        text = put(text, results.stem, f"{results.read_text().strip()}\n\n{described(measured)}")
    PAGE.write_text(text)
    draw()
    for plot in BUILD.glob("*.svg"):
        shutil.copy(plot, IMAGES)


def draw() -> None:
    """Draw the plots next to the results if matplotlib can be installed."""
    if reason := missing("python"):
        say(f"no plots: {reason}")
    else:
        subprocess.run([str(PEERS_PYTHON), "-I", str(PLOT), str(BUILD)], check=True)


def put(text: str, name: str, results: str) -> str:
    """Return the page's text with these results between the marks of that name, if it has them."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}\n{results}\n\n{found[2]}", text)


def described(machine: dict[str, Any]) -> str:
    """Describe in one line where and when the results were measured."""
    return (
        f"{machine['date']}, {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, Python {machine['python']}; load average at the end {machine['load_average']:.1f}."
    )
