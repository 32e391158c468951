"""The system's Chromium, driven by Playwright; it also runs as root and without a GPU or a network."""

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
    """Run a Chromium with additional command-line options."""
    chromium = program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*_OPTIONS, *options])
        yield browser
        await browser.close()
