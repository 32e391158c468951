"""The school's logo: a picture that the office gives, drawn anew, so that nothing of the file but its pixels is kept.

PNG, JPEG and WebP are read; SVG can hold programs. The board behind it is dark and cards are white: a logo with
transparent parts gets the one of two grounds, white or board, on which it is easier to see (WCAG 2, contrast).
"""

import asyncio
import hashlib
import io
import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
from PIL import Image, ImageOps, ImageStat
from sqlalchemy import delete, insert, select

from server.accounts.refusals import UserError
from server.clock import Clock
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Logo
from server.databases.changes import note_changes
from server.databases.outbox import note_audited
from server.databases.school import read_settings, write_settings

# A logo of a web site has some 50 KB; a proxy such as nginx lets 1 MB through by itself.
MAX_LOGO_BYTES = 512 * 1024
# Decoded, so many pixels take 64 MB for a moment. A file of 500 KB may claim to have a thousand times as many.
MAX_PIXELS = 16_000_000
# Twice what the sign-in page shows, for screens with two pixels to a point.
SIDE = 256
# Around a logo on a ground of its own, as a part of its longer side.
MARGIN = 0.06

_FORMATS = ("PNG", "JPEG", "WEBP")
_WHITE, _BOARD = (255, 255, 255), (27, 48, 42)


class SchoolLogo:
    """The logo as it is stored; raises DatabaseUnavailable."""

    def __init__(self, sessions: DbSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._last = ("", b"")  # its version, and the picture

    async def read(self, version: str) -> bytes | None:
        """Return the picture, a PNG; None where this version is no longer the school's."""
        if version != self._last[0]:
            async with reading(self._sessions) as db:
                data = await db.scalar(select(Logo.data).where(Logo.version == version))
            if data is None:
                return None
            self._last = (version, data)
        return self._last[1]

    async def replace(self, by: int, data: bytes) -> None:
        """Take another picture; raises UserError where it cannot be one."""
        picture = await asyncio.to_thread(redraw, data)
        await self._store(by, hashlib.sha256(picture).hexdigest()[:16], picture)

    async def remove(self, by: int) -> None:
        """Go back to Lousa's own."""
        await self._store(by, "", b"")

    async def _store(self, by: int, version: str, picture: bytes) -> None:
        async with writing(self._sessions) as db:
            before = await read_settings(db)
            await db.execute(delete(Logo))
            if version:
                await db.execute(insert(Logo).values(version=version, data=picture))
            await write_settings(db, msgspec.structs.replace(before, logo=version))
            await note_audited(db, self._clock(), "settings:set", user_id=by, logo=bool(version))
            await note_changes(db, (), self._clock(), school=True)


def redraw(data: bytes) -> bytes:
    """Return a picture as a small PNG of its pixels alone; raise UserError where that cannot be."""
    if len(data) > MAX_LOGO_BYTES:
        raise UserError(f"The file has more than {MAX_LOGO_BYTES // 1024} KB.", "large")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UserError("SVG can hold programs: give a PNG.", "svg")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a picture that is damaged a little
            return _redraw(Image.open(io.BytesIO(data), formats=_FORMATS))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise UserError("This is no picture: give a PNG, JPEG or WebP.", "picture") from error


def _redraw(image: Any) -> bytes:
    if image.width * image.height > MAX_PIXELS:
        raise UserError("The picture has too many pixels.", "pixels")
    picture = ImageOps.exif_transpose(image).convert("RGBA")
    picture.thumbnail((SIDE, SIDE))
    drawn = io.BytesIO()
    _on_ground(picture).save(drawn, "PNG", optimize=True)
    return drawn.getvalue()


def _on_ground(picture: Any) -> Any:
    alpha = picture.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return picture.convert("RGB")
    if alpha.getextrema()[1] == 0:
        raise UserError("Nothing can be seen of this picture.", "picture")
    mean = ImageStat.Stat(picture.convert("RGB"), mask=alpha.point(lambda value: 255 * (value > 127))).mean
    ground = max((_WHITE, _BOARD), key=lambda each: contrast(each, mean))
    margin = round(max(picture.size) * MARGIN)
    whole = Image.new("RGB", (picture.width + 2 * margin, picture.height + 2 * margin), ground)
    whole.paste(picture, (margin, margin), alpha)
    return whole


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2, “contrast ratio”)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    red, green, blue = (value / 255 for value in colour)
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
