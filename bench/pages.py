"""Measures the pages in a real browser: how they load, and what a class costs while a lesson goes on.

    python -m bench pages --before PATH      also a checkout of an older tree, in the same run

Each half is a module with a `NAME`, `measure(browser, school)`, which returns figures, and `report(figures)`, which
makes their tables. Each gets a school of its own for each tree (`bench.page_school`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from bench import page_loading, page_work
from bench.page_school import School, serve
from bench.result import keep, say
from tests.chromium import open_chromium
from tests.lousa import ROOT

AFTER, BEFORE = "now", "before"

Measure = Callable[[Browser, School], Awaitable[Sequence[Any]]]
HALVES = {module.NAME: module for module in (page_loading, page_work)}


def measure(before: Path | None, halves: Sequence[str] = ()) -> None:
    """Measure this tree, and an older one beside it if there is one; save the figures of each half."""
    trees = {AFTER: ROOT, **({BEFORE: before} if before is not None else {})}
    for name, half in HALVES.items():
        if halves and name not in halves:
            continue
        figures = [figure for tree, root in trees.items() for figure in asyncio.run(_measure(half.measure, tree, root))]
        keep(name, figures, half.report(figures))


async def _measure(measure_half: Measure, tree: str, root: Path) -> Sequence[Any]:
    say(f"{tree}: {root}")
    with serve(tree, root) as school:
        async with open_chromium(is_whole=True) as browser:
            return await measure_half(browser, school)
