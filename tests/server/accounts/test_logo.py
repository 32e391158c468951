"""The school's logo: what is taken, what is made of it, and that it can be seen."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from server.accounts.accounts import Accounts
from server.accounts.logo import MAX_LOGO_BYTES, SIDE, contrast, redraw
from server.accounts.refusals import UserError
from server.databases import DbSessions
from tests.server.people import People


def picture(mode: str = "RGB", size: tuple[int, int] = (300, 100), colour: Any = "red", file: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    data = io.BytesIO()
    Image.new(mode, size, colour).save(data, file)
    return data.getvalue()


def opened(data: bytes) -> Any:
    return Image.open(io.BytesIO(redraw(data)), formats=("PNG",))


def refusal(data: bytes) -> str:
    with pytest.raises(UserError) as refused:
        redraw(data)
    return refused.value.reason


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP"])
def test_picture_becomes_a_small_png(file: str) -> None:
    made = opened(picture(file=file, size=(1_000, 500)))
    assert (made.format, made.size) == ("PNG", (SIDE, SIDE // 2))


def test_nothing_but_pixels_is_kept() -> None:
    data, notes = io.BytesIO(), PngImagePlugin.PngInfo()
    notes.add_text("Author", "a secret")
    Image.new("RGB", (50, 50)).save(data, "PNG", pnginfo=notes)
    made = redraw(data.getvalue() + b"<script>alert(1)</script>")
    assert b"secret" not in made
    assert b"script" not in made


@pytest.mark.parametrize(("colour", "ground"), [("white", (27, 48, 42)), ("black", (255, 255, 255))])
def test_transparent_logo_gets_the_ground_on_which_it_is_seen(colour: str, ground: tuple[int, int, int]) -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste(colour, (20, 20, 80, 80))
    data = io.BytesIO()
    image.save(data, "PNG")
    made = opened(data.getvalue()).convert("RGB")
    assert made.getpixel((0, 0)) == ground
    assert contrast(made.getpixel((0, 0)), made.getpixel((56, 56))) > 10


def test_files_that_are_no_picture_are_refused_with_a_reason() -> None:
    assert refusal(b'\xef\xbb\xbf <svg xmlns="http://www.w3.org/2000/svg"><script/></svg>') == "svg"
    assert refusal(picture(file="GIF")) == "picture"
    assert refusal(picture()[:60]) == "picture"
    assert refusal(b"") == "picture"
    assert refusal(picture("RGBA", colour=(0, 0, 0, 0))) == "picture"
    assert refusal(bytes(MAX_LOGO_BYTES + 1)) == "large"


def test_small_file_that_claims_many_pixels_is_not_decoded() -> None:
    whole = picture("L", (1, 1))
    head = whole[12:16] + (60_000).to_bytes(4, "big") * 2 + whole[24:29]
    huge = whole[:12] + head + zlib.crc32(head).to_bytes(4, "big") + whole[33:]
    assert refusal(huge) in ("pixels", "picture")


async def test_logo_is_the_same_on_every_worker_until_it_is_removed(
    accounts: Accounts, sessions: DbSessions, people: People
) -> None:
    await people.school("Escola das Araucárias")
    await accounts.logo.replace(7, picture())
    accounts.forget((), school=True)
    await accounts.read_school()
    other, version = Accounts(sessions), accounts.settings.logo
    try:
        assert await other.logo.read(version) == redraw(picture())
    finally:
        other.close()
    await accounts.logo.remove(7)
    accounts.forget((), school=True)
    await accounts.read_school()
    assert accounts.settings.logo == ""
    third = Accounts(sessions)
    assert await third.logo.read(version) is None
    third.close()
