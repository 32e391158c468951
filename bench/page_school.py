"""The school that page benchmarks read and write in, served by any checkout, and its one reader in a browser."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from bench.served import SERVER_CORES, on_cores, scratch
from tests.lousa import Lousa
from tests.roster import TEACHER, write_school

PASSWORD = "lousa-bench"
# Thirty pupils, as in a classroom, with two classes each, so that the page also shows its list of classes.
PUPILS, CLASSES = 30, 2
# Waiting for a page that is far behind: longer than the slowest one took, so that it still gets a figure.
PATIENCE_MS = 240_000

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
# How many times slower than this machine a cheap phone is: what Chromium's own tools and Lighthouse assume.
PHONE_SLOWDOWN = 4


@dataclass(frozen=True, slots=True)
class School:
    """A running school: the tree that serves it, who reads (by password), and the bearer tokens of who writes."""

    tree: str
    server: Lousa
    reader: str
    tokens: dict[str, str]

    async def sign_in(self, browser: Browser, viewport: dict[str, int], **options: Any) -> BrowserContext:
        """Return a browser context of the reader's own, signed in."""
        context = await browser.new_context(base_url=self.server.url, viewport=viewport, locale="pt-BR", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto("/")
        await page.locator("#login").fill(self.reader)
        await page.locator("#password").fill(PASSWORD)
        await page.locator("#password").press("Enter")
        await page.wait_for_url("**/students/")
        await page.close()
        return context

    async def open_class(self, context: BrowserContext) -> tuple[Page, int]:
        """Open the first class in a new page, and return the page and the class's number."""
        page = await context.new_page()
        await page.goto("/students/")
        await page.locator("a.class-link").first.click()
        await page.wait_for_url("**/classes/*")
        await page.locator("#connection[data-state=online]").wait_for()
        return page, int(page.url.rpartition("/")[2].partition("?")[0])


@contextmanager
def serve(tree: str, root: Path) -> Iterator[School]:
    """Serve a new school with the tree in `root`; nothing bounds the rate of its pushes."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        logins = write_school(folder / "roster", PUPILS, CLASSES)
        server = Lousa(folder / "data", serve_options=("--push-rate", "0"), root=root)
        server.run("roster", "import", str(folder / "roster"))
        server.run("user", "set-password", logins[0], "--password-stdin", stdin=f"{PASSWORD}\n")
        tokens = server.tokens(*logins[1:], TEACHER)
        with on_cores(SERVER_CORES):
            stack.enter_context(server)
        yield School(tree, server, logins[0], tokens)
