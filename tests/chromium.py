"""The system's Chromium, driven by Playwright; it also runs as root and without a GPU or a network.

Tests prefer the headless shell: the same engine without the browser's windows, tabs and settings. Two test modules
took 36 s of CPU with it, and 101 s with the whole browser and servers that were not preloaded.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright, expect

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

_SHELL = "chromium-headless-shell"

# How long an expectation waits that names no time of its own: on a busy machine, a page takes longer than Playwright's
# 5 s at times. What is there is seen at once.
_EXPECT_MS = 30_000


def _whole() -> str:
    return program("chromium")


@asynccontextmanager
async def open_chromium(*options: str, keeps_pages: bool = False, is_whole: bool = False) -> AsyncIterator[Browser]:
    """Run a Chromium with additional command-line options.

    `keeps_pages` leaves its memory of pages for "back" on; `is_whole` asks for the browser that people use.
    """
    expect.set_options(timeout=_EXPECT_MS)
    chromium = _whole() if is_whole else shutil.which(_SHELL) or _whole()
    async with async_playwright() as playwright:
        ignored = ["--disable-back-forward-cache"] if keeps_pages else []
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*_OPTIONS, *options], ignore_default_args=ignored
        )
        yield browser
        await browser.close()
