"""How a class page loads: the time until it can be used, requests and bytes, on networks that Chromium emulates.

The browser has an empty cache and is signed in. A page can be used when messages are on it, which only its
scripts can have brought; it is online when its socket is. The emulation delays each request, and does not slow down
WebSockets.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from bench.page_school import DESKTOP, School
from bench.page_work import Class
from bench.result import KIB, MILLISECONDS, middle, say, table

NAME = "pages_loading"
ROUNDS = 3
# As many as a class gets while a pupil is away for a while; all of them come with the page.
MESSAGES = 40
# Chromium's presets (DevTools, "Network conditions"): bytes a second down and up, and the latency in ms.
NETWORKS: dict[str, tuple[float, float, float]] = {
    "local": (-1, -1, 0),
    "Fast 4G": (1_012_500, 168_750, 165),
    "Slow 4G": (180_000, 84_375, 562.5),
    "Slow 3G": (50_000, 50_000, 2_000),
}

# A message that is shown.
_ROW = "#messages [data-seq]"
_WATCH = """
window.bench = {};
const note = (name, isSo) => { if (isSo && !(name in window.bench)) window.bench[name] = performance.now(); };
document.addEventListener("DOMContentLoaded", () => {
  const look = () => {
    note("shown", document.querySelector("ROW") !== null);
    note("online", document.querySelector("#connection[data-state=online]") !== null);
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
});
""".replace("ROW", _ROW)


@dataclass(frozen=True, slots=True)
class Figure:
    """One load of one tree's class page; times in seconds from the click on."""

    tree: str
    network: str
    shown: float
    online: float
    requests: int
    bytes: int


class Traffic:
    """What comes over the network, as Chromium counts it: compressed, with headers."""

    def __init__(self, devtools: CDPSession) -> None:
        self.requests = self.bytes = 0
        devtools.on("Network.loadingFinished", self._add)

    def _add(self, event: dict[str, Any]) -> None:
        self.requests += 1
        self.bytes += int(event["encodedDataLength"])


async def measure(browser: Browser, school: School) -> Sequence[Figure]:
    """Open a class on each network, some times each."""
    context = await school.sign_in(browser, DESKTOP, service_workers="block")
    page, number = await school.open_class(context)
    writing = await Class.join(school, number)
    await writing.send(MESSAGES)
    await page.locator(_ROW).first.wait_for(state="attached")
    address = page.url
    await page.close()
    writing.close()
    await context.add_init_script(_WATCH)
    figures = []
    for network in NETWORKS:
        for _ in range(ROUNDS):
            figures.append(figure := await _load(await context.new_page(), school.tree, network, address))
            say(f"{figure.tree}, {network}: {figure.shown:.1f} s, {figure.requests} requests, {figure.bytes} bytes")
    return figures


async def _load(page: Page, tree: str, network: str, address: str) -> Figure:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.clearBrowserCache")
    down, up, latency = NETWORKS[network]
    conditions = {"offline": False, "downloadThroughput": down, "uploadThroughput": up, "latency": latency}
    await devtools.send("Network.emulateNetworkConditions", conditions)
    traffic = Traffic(devtools)
    await page.goto(address, wait_until="commit")
    await page.locator("#connection[data-state=online]").wait_for()
    await page.locator(_ROW).first.wait_for(state="attached")
    await page.wait_for_load_state("load")
    await asyncio.sleep(0.5)  # what the browser asks for after the page: icon, manifest
    times = await page.evaluate("window.bench")
    await page.close()
    shown, online = (times[name] / MILLISECONDS for name in ("shown", "online"))
    return Figure(tree, network, shown, online, traffic.requests, traffic.bytes)


def report(figures: Sequence[Figure]) -> str:
    """Return a table of the middle rounds: networks as rows, the trees beside each other."""
    trees = list(dict.fromkeys(figure.tree for figure in figures))[::-1]
    columns = ["network", *(f"{tree}: {what}" for what in ("usable", "online", "requests", "KiB") for tree in trees)]
    rows = []
    for network in NETWORKS:
        chosen = [
            middle([each for each in figures if (each.tree, each.network) == (tree, network)], lambda each: each.shown)
            for tree in trees
        ]
        times = [f"{value:.2f} s" for value in (*(each.shown for each in chosen), *(each.online for each in chosen))]
        counts = [*(each.requests for each in chosen), *(round(each.bytes / KIB) for each in chosen)]
        rows.append([network, *times, *counts])
    return table(columns, rows)
