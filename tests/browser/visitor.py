"""Somebody at a browser: a window of their own, with an eye on the console.

Whatever the browser complains of is a failure: an error or warning on the console, a script's exception, a violation
of the Content-Security-Policy. While the server is down on purpose, `outage` lets through what that explains.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from channels.transports.credential import SIGN_IN_COOKIE

PASSWORD = "lousa-demo"
MATHS = "6º A · Matemática"  # the class of ana, bruno and paula: the demo's first
MATHS_PATH = "classes/1"
LAN_NAME = "lousa.escola.test"
DESKTOP = (1280, 800)
PHONE = (390, 844)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Those who have a password. Anybody else is a student, and comes with a token.
HOMES = {
    "ana": "/students/",
    "bruno": "/students/",
    "paula": "/teachers/",
    "diretora": "/principal/",
    "secretaria": "/administrators/",
}

# A violation is an event, too: told on the console, whatever the browser itself would say.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`Content-Security-Policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`);
});
"""
# What a browser says of a server that is away, or that comes up but is not ready.
_OUTAGE = re.compile(
    r"ERR_CONNECTION|ERR_INTERNET_DISCONNECTED|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection to|status of 50[23]"
    r"|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONTENT_LENGTH_MISMATCH"  # it went in the middle of an answer
    r"|ERR_TIMED_OUT|ERR_NETWORK_CHANGED|ERR_NETWORK_IO_SUSPENDED"
    r"|error occurred when fetching the script"  # the service worker's, on its way when the server went
)
# A kill can take a little while to show, on a busy machine; a step of an import starts Python first. What is there is
# seen at once, whatever this is.
TIMEOUT_MS = 30_000


class Visitor:
    """One window of one user."""

    def __init__(self, login: str, context: BrowserContext, page: Page, *, has_touch: bool = False) -> None:
        self.login = login
        self.home = HOMES.get(login, "/students/")
        self.has_touch = has_touch
        self.context = context
        self.page = page
        self.problems: list[str] = []
        self._outage = False

    @classmethod
    async def arrive(
        cls, browser: Browser, url: str, login: str, *, size: tuple[int, int] = DESKTOP, language: str = "en-US"
    ) -> "Visitor":
        """Open a window of their own, without any cookie yet."""
        context = await browser.new_context(
            base_url=url,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=2 if size == PHONE else 1,
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            locale=language,
            timezone_id="America/Sao_Paulo",
        )
        context.set_default_timeout(TIMEOUT_MS)
        await context.add_init_script(_TELL_VIOLATIONS)
        visitor = cls(login, context, await context.new_page(), has_touch=size == PHONE)
        visitor._listen(visitor.page)
        return visitor

    def _listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (self._outage and _OUTAGE.search(message.text)):
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Expect that the server is away: its connections may fail."""
        self._outage = True
        try:
            yield
        finally:
            self._outage = False

    async def new_tab(self) -> "Visitor":
        """Open another tab of the same browser, with the same cookies."""
        tab = Visitor(self.login, self.context, await self.context.new_page(), has_touch=self.has_touch)
        tab._listen(tab.page)
        return tab

    async def enter(self) -> None:
        """Go through the sign-in page, and arrive at their pages."""
        await self.page.goto("/")
        await self.page.locator("#login").fill(self.login)
        await self.page.locator("#password").fill(PASSWORD)
        await self.page.locator("#password").press("Enter")
        await self.page.wait_for_url(f"**{self.home}")

    async def sign_in(self) -> None:
        """Go through the sign-in page, and wait until their page is connected."""
        await self.enter()
        await self.wait_until_online()

    async def come_back(self, url: str, secret: str, path: str = "") -> None:
        """Open one of their pages with the cookie of an earlier sign-in, and wait until it is connected."""
        await self.context.add_cookies([{"name": SIGN_IN_COOKIE, "value": secret, "url": url}])
        await self.go(path)

    async def go(self, path: str) -> None:
        """Open one of their pages, and wait until it is connected."""
        await self.page.goto(self.home + path)
        await self.wait_until_online()

    async def look(self) -> None:
        """Come back to the window: a page that waits for its next attempt to connect makes it now."""
        await self.page.evaluate("window.dispatchEvent(new Event('focus'))")

    async def wait_until_online(self) -> None:
        """Wait until the page says that it is connected."""
        await expect(self.page.locator("#connection")).to_have_attribute("data-state", "online", timeout=TIMEOUT_MS)

    async def wait_until_joined(self) -> None:
        """Wait until the page of a class shows how many are here: from then on, it is told what is stored nowhere."""
        await expect(self.page.locator("#here-count")).to_have_text(re.compile(r"\d"), timeout=TIMEOUT_MS)

    async def open_class(self, title: str = MATHS) -> None:
        """Go to a class by clicking on it, and wait until its messages can be read."""
        link = self.page.get_by_role("link", name=title).first
        # The dashboard folds the classes in which nothing happens; which these are, its first events say.
        folded = self.page.locator("#quiet:not([open]) summary")
        await expect(link.or_(folded).first).to_be_visible(timeout=TIMEOUT_MS)
        if await folded.is_visible():
            await folded.click()
        await link.click()
        await self.page.wait_for_url("**/classes/*")
        await self.wait_until_online()

    async def say(self, text: str) -> None:
        """Write a message and send it: with the keyboard, or by a finger on the button."""
        await self.page.locator("#text").fill(text)
        if self.has_touch:
            await self.page.locator("#composer .send").tap()
        else:
            await self.page.locator("#text").press("Enter")

    def message(self, text: str) -> Locator:
        """Return the messages with exactly this text, those on their way not among them."""
        return self.page.locator("#messages").get_by_text(text, exact=True)

    async def sees(self, *texts: str) -> None:
        """Wait until each of these texts is a message, once."""
        for text in texts:
            await expect(self.message(text)).to_have_count(1, timeout=TIMEOUT_MS)

    async def screenshot(self, name: str) -> None:
        """Take a picture of the window, where LOUSA_SCREENSHOTS says in which folder."""
        folder = os.environ.get("LOUSA_SCREENSHOTS")
        if folder:
            await self.page.screenshot(path=Path(folder) / f"{name}.png")

    async def screenshots(self, name: str) -> None:
        """Take a picture in light and one in dark."""
        if "LOUSA_SCREENSHOTS" in os.environ:
            for scheme in SCHEMES:
                await self.page.emulate_media(color_scheme=scheme)
                await self.screenshot(f"{name}-{scheme}")

    def check(self) -> None:
        """Fail if the browser complained of anything."""
        assert not self.problems, f"{self.login}'s browser says: {self.problems}"
