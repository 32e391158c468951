"""On a phone: everything fits, and nothing has to be scrolled sideways."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def assert_fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} pixels too wide"


@pytest.mark.long
async def test_no_page_is_wider_than_a_phone(visit: Visit) -> None:
    addresses = {
        "ana": ["/students/", "/students/announcements"],
        "paula": ["/teachers/", "/teachers/announcements"],
        "diretora": ["/principal/", "/principal/announcements"],
    }
    for login, pages in addresses.items():
        visitor = await visit(login, size=PHONE)
        for address in pages:
            await visitor.page.goto(address)
            await visitor.wait_until_online()
            await assert_fits(visitor.page)
            await visitor.screenshot(f"phone-{login}{address.replace('/', '-')}")


async def test_long_words_do_not_push_the_class_off_the_phone(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.open_class()
    await ana.say("Pneumoultramicroscopicossilicovulcanoconiótico" * 5)
    await ana.say("https://exemplo.invalid/" + "muito-longo-" * 30)
    await ana.say("Tudo bem?")
    await ana.sees("Tudo bem?")
    await assert_fits(ana.page)
    await ana.screenshot("phone-class")
    field = await ana.page.locator("#text").bounding_box()
    assert field is not None
    assert field["y"] + field["height"] <= PHONE[1], "the field to write in is on the screen"


@pytest.mark.long
async def test_sign_in_page_fits_a_phone(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.context.clear_cookies()
    await ana.page.goto("/accounts/sign-in")
    await assert_fits(ana.page)
    await ana.screenshot("phone-sign-in")
