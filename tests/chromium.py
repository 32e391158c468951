"""The system's Chromium, driven by Playwright, as root and in a machine without a GPU or a network of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.programs import program

_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def open_chromium(*options: str) -> AsyncIterator[Browser]:
    """Run a Chromium, with more options of its command line if a test needs any."""
    chromium = program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*_OPTIONS, *options])
        yield browser
        await browser.close()
