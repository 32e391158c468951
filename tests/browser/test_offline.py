"""Without a network: a click stays in the application, which says so and keeps what was written."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEPT_ADDRESSES = """
async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((k) => k.url)));
  return kept.flat();
}
"""
IS_KEPT = f"async () => (await ({KEPT_ADDRESSES})()).length > 3"


async def _wait_until_kept(visitor: Visitor) -> None:
    await visitor.page.wait_for_function(IS_KEPT)


async def test_click_without_a_network_stays_and_says_so(visit: Visit) -> None:
    ana = await visit("ana")
    await ana.open_class()
    await ana.page.locator("#text").fill("Meio escrito")
    with ana.outage():
        await ana.context.set_offline(True)
        await ana.page.get_by_role("link", name="Announcements").first.click()
        await expect(ana.page.get_by_text("No network: this page stays open.")).to_be_visible()
        await ana.screenshot("offline-click")
        await expect(ana.page.locator("#text")).to_have_value("Meio escrito")
        await ana.context.set_offline(False)
    await expect(ana.page.get_by_text("No network: this page stays open.")).to_have_count(0)
    await ana.page.get_by_role("link", name="Announcements").first.click()
    await ana.page.wait_for_url("**/announcements")


@pytest.mark.long
async def test_page_opens_by_itself_when_the_server_is_back(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    await ana.open_class()
    await _wait_until_kept(ana)
    await ana.page.locator("#text").fill("Meio escrito")
    with ana.outage():
        lousa.kill()
        await ana.page.get_by_role("link", name="Announcements").first.click()
        await expect(ana.page.get_by_role("heading", name="No connection")).to_be_visible()
        await ana.screenshot("offline-page")
        await expect(ana.page.get_by_role("heading", name="Sem conexão")).to_be_hidden()
        assert ana.page.url.endswith("/students/announcements")
        lousa.start()
        await ana.wait_until_online()
    await expect(ana.page.get_by_role("heading", name="Announcements")).to_be_visible()
    await ana.page.go_back()
    await expect(ana.page.locator("#text")).to_have_value("Meio escrito")


async def test_kept_files_are_about_nobody_and_go_with_a_sign_out(visit: Visit) -> None:
    ana = await visit("ana")
    await ana.open_class()
    await _wait_until_kept(ana)
    await ana.page.goto("/students/announcements")
    kept = await ana.page.evaluate(KEPT_ADDRESSES)
    assert all("/static/" in each or each.endswith("/offline") for each in kept), kept
    await ana.page.locator("details.menu summary").click()
    await ana.page.get_by_role("button", name="Sign out").click()
    await ana.page.wait_for_url("**/accounts/sign-in*")
    await ana.page.wait_for_function(f"async () => (await ({KEPT_ADDRESSES})()).length === 0")
    await ana.sign_in()
    await ana.page.wait_for_function(IS_KEPT)
