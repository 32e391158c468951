"""The work of a class page during a lesson: the main thread's time for a key and for a message, and how far it lags.

Times of the main thread are its CPU time (Chromium's metrics in the domain `threadTicks`), which other programs on the
machine do not stretch. A phone is a window of 360x740 whose CPU Chromium slows down (`Emulation.setCPUThrottlingRate`).
A message is shown in the frame after its row came into the document; its lag counts from the moment of sending.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.async_api import Browser, CDPSession, Page

from bench.page_class import Class
from bench.page_school import DESKTOP, PHONE, PHONE_SLOWDOWN, School
from bench.result import MILLISECONDS, percentile, say, table

NAME = "pages_work"
ROWS = (50, 500, 2_000)
KEYS, MESSAGES = 40, 40
# Slow enough that each key and each message has frames of its own; the page gathers what comes faster.
KEY_MS, ALONE_RATE = 80, 10.0
# As in a lively lesson.
LIVELY_RATE, LIVELY_MESSAGES = 25.0, 100
# Filling a class: faster than anybody reads, slower than the page's bound on what waits for it.
FILL_RATE = 250.0
PHONE_ROWS, PHONE_RATE, PHONE_SECONDS = 550, 25.0, 60
DESKTOP_MESSAGES, DESKTOP_SECONDS = 1_000, 5.0
BURST = 5_000
LONG_TASK_MS = 50
_RATES = {
    "a message alone": (MESSAGES, ALONE_RATE),
    f"a message of {LIVELY_RATE:.0f} a second": (LIVELY_MESSAGES, LIVELY_RATE),
}
# A page that has just been opened, or has moved, reads what it shows.
SETTLE_SECONDS = 2.0
# What a message has to do after it is shown: the look at what was read, speech, the list of classes. Asking the page
# what it shows is work of its main thread, too, up to 2 ms in a long class, so it comes after the measurement, during
# which the page does not note what it shows either.
REST_SECONDS = 1.0
# After this long a page that has not caught up is given up.  Twenty times the bar, and a run ends in minutes.
GIVE_UP_SECONDS = 20.0

# After each change of the rows, in the next frame: the newest row. And the tasks that were too long. A loop over frames
# would be simpler, but 60 frames a second are work, too.
_WATCH = """
window.bench = {watches: true, shown: [], long: [], closed: []};
const note = () => {
  let row = document.getElementById("messages").lastElementChild;
  while (row !== null && row.dataset.seq === undefined) row = row.previousElementSibling;
  const seq = Number(row?.dataset.seq ?? 0);
  const {shown} = window.bench;
  if (seq > (shown.at(-1)?.[0] ?? 0)) shown.push([seq, Date.now()]);
};
window.bench.note = note;
document.addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("messages");
  const noteSoon = () => window.bench.watches && requestAnimationFrame(note);
  if (list !== null) new MutationObserver(noteSoon).observe(list, {childList: true});
});
new PerformanceObserver((list) => {
  for (const {startTime, duration} of list.getEntries()) window.bench.long.push([startTime, duration]);
}).observe({type: "longtask"});
const Real = WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("close", ({code}) => window.bench.closed.push(code));
  }
};
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one tree."""

    tree: str
    what: str
    unit: str
    value: float | None


class Reader:
    """The measured page of one reader."""

    def __init__(self, page: Page, devtools: CDPSession) -> None:
        self._page = page
        self._devtools = devtools

    @classmethod
    async def open(cls, browser: Browser, school: School, *, phone: bool) -> tuple["Reader", int]:
        """Sign in and open a class; return the reader and the class's number."""
        context = await school.sign_in(browser, PHONE if phone else DESKTOP, has_touch=phone, is_mobile=phone)
        await context.add_init_script(_WATCH)
        page, number = await school.open_class(context)
        devtools = await context.new_cdp_session(page)
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        return cls(page, devtools), number

    async def slow_down(self) -> None:
        """From here on, be as slow as a phone."""
        await self._devtools.send("Emulation.setCPUThrottlingRate", {"rate": PHONE_SLOWDOWN})

    async def busy_ms(self) -> float:
        """Return the main thread's CPU time so far."""
        metrics = (await self._devtools.send("Performance.getMetrics"))["metrics"]
        seconds: float = next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
        return seconds * MILLISECONDS

    async def key_ms(self) -> float:
        """Type, and return the main thread's time for a key."""
        await self._page.locator("#text").focus()
        before = await self.busy_ms()
        await self._page.keyboard.type("Uma frase que se escreve numa aula comum."[:KEYS], delay=KEY_MS)
        return (await self.busy_ms() - before) / KEYS

    async def message_ms(self, writing: Class, count: int, rate: float) -> float | None:
        """Get messages at a rate, and return the main thread's time for one, beyond what a time without any takes."""
        await self._page.evaluate("window.bench.watches = false")
        begun = await self.busy_ms()
        await asyncio.sleep(count / rate + REST_SECONDS)
        idle = await self.busy_ms() - begun
        await writing.send(count, count / rate)
        await asyncio.sleep(REST_SECONDS)
        spent = await self.busy_ms() - begun - 2 * idle
        await self._page.evaluate("window.bench.watches = true, window.bench.note()")
        return None if await self.catch_up(writing) is None else spent / count

    async def catch_up(self, writing: Class) -> float | None:
        """Wait until the newest message is shown, and return how long after its sending; None: not in time."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            shown = await self.shown()
            if shown and shown[-1][0] >= writing.sent:
                return shown[-1][1] / MILLISECONDS - writing.sent_at[writing.sent]
            await asyncio.sleep(0.25)
        return None

    async def shown(self) -> list[tuple[int, float]]:
        """Return which position became the newest shown, and when."""
        found: list[tuple[int, float]] = await self._page.evaluate("window.bench.shown")
        return found

    async def go_to_end(self) -> int:
        """Go to the newest message, and return its position."""
        await asyncio.sleep(SETTLE_SECONDS)
        jump = self._page.locator("#jump")
        if await jump.is_visible():
            await jump.click()
            await asyncio.sleep(SETTLE_SECONDS)
        shown = await self.shown()
        return shown[-1][0] if shown else 0

    async def long_tasks(self, since: float) -> list[float]:
        """Return the durations of the tasks that were too long, from a moment of the page on."""
        found: list[list[float]] = await self._page.evaluate("window.bench.long")
        return [duration for start, duration in found if start >= since and duration > LONG_TASK_MS]

    async def now(self) -> float:
        """Return the page's clock."""
        moment: float = await self._page.evaluate("performance.now()")
        return moment

    async def was_closed(self) -> list[int]:
        """Return the codes with which its sockets were closed."""
        codes: list[int] = await self._page.evaluate("window.bench.closed")
        return codes

    async def close(self) -> None:
        """Close its window."""
        await self._page.context.close()


async def measure(browser: Browser, school: School) -> list[Figure]:
    """Measure one tree: a desktop in a long lesson and in storms, a lively phone, a lesson with all its features."""
    figures: list[Figure] = []
    for part in (_work, _storm, _phone, _lesson):
        for what, unit, value in await part(browser, school):
            figures.append(Figure(school.tree, what, unit, value))
            say(f"{school.tree}: {what}: {_cell(figures[-1])}")
    return figures


Found = list[tuple[str, str, float | None]]


async def _work(browser: Browser, school: School) -> Found:
    found: Found = []
    reader, number = await Reader.open(browser, school, phone=False)
    writing = await Class.join(school, number)
    for rows in ROWS:
        count = rows - writing.sent
        await writing.send(count, count / FILL_RATE)
        if await reader.catch_up(writing) is None:  # too far behind to take a key
            found += [(f"{what}, {rows:,} messages", "ms", None) for what in ("a key", *_RATES)]
            break
        found.append((f"a key, {rows:,} messages", "ms", await reader.key_ms()))
        for what, (messages, rate) in _RATES.items():
            found.append((f"{what}, {rows:,} messages", "ms", await reader.message_ms(writing, messages, rate)))
    writing.close()
    await reader.close()
    return found


async def _storm(browser: Browser, school: School) -> Found:
    found: Found = []
    for count, seconds in ((DESKTOP_MESSAGES, DESKTOP_SECONDS), (BURST, 0.0)):
        reader, number = await Reader.open(browser, school, phone=False)
        writing = await _joined_at_end(school, number, reader)
        await writing.send(count, seconds)
        words = f"{count:,} messages in {seconds:.0f} s" if seconds else f"{count:,} messages at once"
        found.append((f"{words}: the last is shown after", "s", await reader.catch_up(writing)))
        found.append((f"{words}: closed as too slow", "times", float((await reader.was_closed()).count(4008))))
        writing.close()
        await reader.close()
    return found


async def _phone(browser: Browser, school: School) -> Found:
    reader, number = await Reader.open(browser, school, phone=True)
    writing = await _joined_at_end(school, number, reader)
    await writing.send(PHONE_ROWS, PHONE_ROWS / FILL_RATE)
    await reader.catch_up(writing)
    await reader.slow_down()
    first, begun = writing.sent + 1, await reader.now()
    await writing.send(int(PHONE_RATE * PHONE_SECONDS), PHONE_SECONDS)
    last = await reader.catch_up(writing)
    lags = _lags(await reader.shown(), writing, first)
    long = await reader.long_tasks(begun)
    writing.close()
    await reader.close()
    words = f"phone, {PHONE_RATE:.0f} messages/s for {PHONE_SECONDS} s"
    return [
        (f"{words}: median lag", "s", None if last is None else percentile(lags, 50)),
        (f"{words}: 99th percentile of the lag", "s", None if last is None else percentile(lags, 99)),
        (f"{words}: lag of the last", "s", last),
        (f"{words}: tasks over {LONG_TASK_MS} ms", "times", float(len(long))),
        (f"{words}: longest task over {LONG_TASK_MS} ms", "ms", max(long, default=0.0)),
    ]


async def _lesson(browser: Browser, school: School) -> Found:
    reader, number = await Reader.open(browser, school, phone=False)
    writing = await _joined_at_end(school, number, reader)
    await writing.begin_lesson(school)
    await asyncio.sleep(SETTLE_SECONDS)
    found = [
        (f"{what} and a reaction, with a lesson's features in use", "ms", await reader.message_ms(writing, count, rate))
        for what, (count, rate) in _RATES.items()
    ]
    writing.close()
    await reader.close()
    return found


async def _joined_at_end(school: School, number: int, reader: Reader) -> Class:
    # The class has messages already, and the page may open in the middle of them: the count goes on from the newest.
    writing = await Class.join(school, number)
    writing.sent = await reader.go_to_end()
    return writing


def _lags(shown: Sequence[tuple[int, float]], writing: Class, first: int) -> list[float]:
    """Return, sorted, how long each message from `first` on took to be shown."""
    lags, seq = [], first
    for newest, at in shown:
        while seq <= newest:
            lags.append(at / MILLISECONDS - writing.sent_at[seq])
            seq += 1
    return sorted(lags)


def report(figures: Sequence[Figure]) -> str:
    """Make one table: a row for each figure, a column for each tree, the older one first."""
    trees = sorted({figure.tree for figure in figures})
    found = {(figure.what, figure.tree): figure for figure in figures}
    names = list(dict.fromkeys(figure.what for figure in figures))
    rows = [[name, *(_cell(found.get((name, tree))) for tree in trees)] for name in names]
    return table(["", *trees], rows)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.value is None:
        return f"not within {GIVE_UP_SECONDS:.0f} s"
    return f"{figure.value:,.0f}" if figure.unit == "times" else f"{figure.value:,.2f} {figure.unit}"
