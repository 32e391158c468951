"""How pages load: the time until they can be used, requests and bytes, on networks that Chromium emulates.

The browser has an empty cache. A class, whose reader is signed in, can be used when messages are on it, which only its
scripts can have brought; it is online when its socket is. The page where one signs in and the protocol's document can
be used when they are painted. The emulation delays each request, and does not slow down WebSockets.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from bench.page_class import Class
from bench.page_school import DESKTOP, School
from bench.result import KIB, MILLISECONDS, middle, say, table

NAME = "pages_loading"
# The slower the network, the less this machine's own noise matters, and the longer a round takes.
ROUNDS = {"local": 3, "Fast 4G": 3, "Slow 4G": 2, "Slow 3G": 1}
CLASS = "a class"
# For whom nobody has signed in yet.
PUBLIC = {"signing in": "/accounts/sign-in", "the protocol": "/docs/protocol"}
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
    if (document.querySelector("#messages") === null) return;
    note("shown", document.querySelector("ROW") !== null);
    note("online", document.querySelector("#connection[data-state=online]") !== null);
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
});
""".replace("ROW", _ROW)


@dataclass(frozen=True, slots=True)
class Figure:
    """One load of one tree's page; times in seconds from the click on. Only a class goes online."""

    tree: str
    page: str
    network: str
    shown: float
    online: float | None
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
    stranger = await browser.new_context(base_url=school.server.url, viewport=DESKTOP, service_workers="block")  # type: ignore[arg-type]
    figures = []
    for network, rounds in ROUNDS.items():
        for _ in range(rounds):
            loads = {CLASS: await _load_class(await context.new_page(), network, address)}
            loads |= {
                name: await _load_public(await stranger.new_page(), network, path) for name, path in PUBLIC.items()
            }
            figures += [Figure(school.tree, name, network, *load) for name, load in loads.items()]
            say(f"{school.tree}, {network}: a class is usable after {loads[CLASS][0]:.1f} s")
    return figures


# When it was shown and online, requests and bytes.
Load = tuple[float, float | None, int, int]


async def _load_class(page: Page, network: str, address: str) -> Load:
    traffic = await _begin(page, network, address)
    await page.locator("#connection[data-state=online]").wait_for()
    await page.locator(_ROW).first.wait_for(state="attached")
    times = await _end(page, "window.bench")
    shown, online = (times[name] / MILLISECONDS for name in ("shown", "online"))
    return shown, online, traffic.requests, traffic.bytes


async def _load_public(page: Page, network: str, address: str) -> Load:
    traffic = await _begin(page, network, address)
    painted = await _end(page, "performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return painted / MILLISECONDS, None, traffic.requests, traffic.bytes


async def _end(page: Page, figure: str) -> Any:
    await page.wait_for_load_state("load")
    await asyncio.sleep(0.5)  # what the browser asks for after the page: icon, manifest
    found = await page.evaluate(figure)
    await page.close()
    return found


async def _begin(page: Page, network: str, address: str) -> Traffic:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.clearBrowserCache")
    down, up, latency = NETWORKS[network]
    conditions = {"offline": False, "downloadThroughput": down, "uploadThroughput": up, "latency": latency}
    await devtools.send("Network.emulateNetworkConditions", conditions)
    traffic = Traffic(devtools)
    await page.goto(address, wait_until="commit")
    return traffic


def report(figures: Sequence[Figure]) -> str:
    """Return a table of the middle rounds: pages and networks as rows, the trees beside each other."""
    trees = list(dict.fromkeys(figure.tree for figure in figures))[::-1]
    whats = ("usable", "online", "requests", "KiB")
    columns = ["page", "network", *(f"{tree}: {what}" for what in whats for tree in trees)]
    rows = []
    for page, network in dict.fromkeys((figure.page, figure.network) for figure in figures):
        found = [figure for figure in figures if (figure.page, figure.network) == (page, network)]
        chosen = [middle([each for each in found if each.tree == tree], lambda each: each.shown) for tree in trees]
        times = [*(each.shown for each in chosen), *(each.online for each in chosen)]
        cells = ["" if value is None else f"{value:.2f} s" for value in times]
        counts = [*(each.requests for each in chosen), *(round(each.bytes / KIB) for each in chosen)]
        rows.append([page, network, *cells, *counts])
    rows.sort(key=lambda row: (row[0] != CLASS, row[0]))
    return table(columns, rows)
