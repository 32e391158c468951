"""Who signs out is out: in every tab, at once."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import TIMEOUT_MS
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SIGN_IN = re.compile(r"/accounts/sign-in\b")
ENDED = "You were signed out. Sign in to go on."


async def test_signing_out_in_one_tab_ends_the_others(visit: Visit) -> None:
    ana = await visit("ana")
    await ana.open_class()
    other = await ana.new_tab()
    await other.page.goto("/students/")
    await other.wait_until_online()
    await other.page.locator("details.menu summary").click()
    await other.page.get_by_role("button", name="Sign out").click()
    await other.page.wait_for_url(SIGN_IN)
    await ana.page.wait_for_url(SIGN_IN, timeout=TIMEOUT_MS)
    await expect(ana.page.get_by_role("status")).to_have_text(ENDED)
    await ana.screenshot("signed-out")
    await expect(other.page.get_by_text(ENDED)).to_have_count(0)  # they know
    other.check()
    await ana.page.goto("/students/")
    await expect(ana.page).to_have_url(SIGN_IN)


@pytest.mark.long  # test_office.py closes pages by a new code
async def test_disabled_account_is_signed_out_at_once(visit: Visit, lousa: Lousa) -> None:
    bruno = await visit("bruno")
    await bruno.open_class()
    lousa.run("user", "disable", "bruno")
    await bruno.page.wait_for_url(SIGN_IN, timeout=TIMEOUT_MS)
    await expect(bruno.page.get_by_role("status")).to_have_text(ENDED)
    await bruno.page.goto("/students/")
    await expect(bruno.page).to_have_url(SIGN_IN)
