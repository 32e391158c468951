"""The look of the pages: a theme and a text size in a cookie."""

import re

import pytest

from server.views.look import Look
from server.views.static import ROOT
from tests.server.views.visitor import Visitor


@pytest.mark.parametrize(
    ("stored", "look"),
    [
        ("dark.large", Look("dark", "large")),
        ("light", Look("light")),
        ("", Look()),
        ("<b>.9000", Look()),
        ("dark.large.more", Look("dark")),
    ],
)
def test_unknown_parts_of_a_look_are_the_devices(stored: str, look: Look) -> None:
    assert Look.parse(stored) == look


def test_stored_look_is_read_back() -> None:
    assert Look.parse(Look("dark", "larger").stored) == Look("dark", "larger")


async def test_chosen_look_is_in_every_page_from_its_first_byte(visitor: Visitor) -> None:
    assert 'data-theme="device" data-text-size="normal"' in (await visitor.get("/accounts/sign-in")).text
    answer = await visitor.post("/accounts/look", theme="dark", next="/accounts/sign-in")
    assert (answer.status, answer.location) == (303, "/accounts/sign-in")
    await visitor.post("/accounts/look", text_size="large", next="/")
    page = (await visitor.get("/accounts/sign-in")).text
    assert 'data-theme="dark" data-text-size="large"' in page
    assert '<meta name="color-scheme" content="dark">' in page


def test_dark_colours_are_the_same_by_choice_and_by_device() -> None:
    sheet = (ROOT / "static/style/dark.css").read_text()
    by_device, by_choice = re.findall(r":root\[[^]]*\] {(.*?)}", sheet, re.DOTALL)
    assert by_device == by_choice
    assert "--paper" in by_device


async def test_unknown_look_is_refused(visitor: Visitor) -> None:
    assert (await visitor.post("/accounts/look", theme="pink", next="/")).status == 400
    assert (await visitor.post("/accounts/look", text_size="1e9", next="/")).status == 400
    assert (await visitor.post("/accounts/look", theme="dark", next="//evil.example/")).location == "/"
