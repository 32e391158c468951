"""Draws the icons of the installed application from static/logo.svg: `python -m deploy.draw_icons` when it has changed.

A home screen's icons have no transparent part: the logo stands on the board, within the circle that every system leaves
of a "maskable" icon (W3C Manifest: 40 % of the width around the centre).
"""

import asyncio
import struct
from pathlib import Path

from playwright.async_api import Browser

from tests.chromium import open_chromium

STATIC = Path(__file__).parents[1] / "static"
ICONS = STATIC / "icons"
BOARD = "#1b302a"
# Size in pixels, and how much of the width the logo takes, by name. Apple rounds the corners of its own.
SIZES = {"icon-192": (192, 0.72), "icon-512": (512, 0.72), "maskable-512": (512, 0.56), "touch-180": (180, 0.72)}
FAVICON_PX = 32


async def draw() -> None:
    """Draw all icons into static/icons."""
    async with open_chromium() as browser:
        for name, (size, part) in SIZES.items():
            (ICONS / f"{name}.png").write_bytes(await _picture(browser, size, part, BOARD))
        small = await _picture(browser, FAVICON_PX, 1.0, "transparent")
        (ICONS / "favicon.ico").write_bytes(_as_ico(small))


async def _picture(browser: Browser, size: int, part: float, ground: str) -> bytes:
    page = await browser.new_page(viewport={"width": size, "height": size})
    logo = (STATIC / "logo.svg").read_text().replace("<svg ", f'<svg width="{size * part}" height="{size * part}" ', 1)
    style = f"margin:0;height:100vh;display:grid;place-items:center;background:{ground}"
    await page.set_content(f'<body style="{style}">{logo}')
    picture = await page.screenshot(omit_background=True)
    await page.close()
    return picture


def _as_ico(png: bytes) -> bytes:
    """Wrap one PNG picture as an .ico file: a header, a directory of one entry, the picture."""
    entry = struct.pack("<BBBBHHII", FAVICON_PX, FAVICON_PX, 0, 0, 1, 32, len(png), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + png


if __name__ == "__main__":
    asyncio.run(draw())
