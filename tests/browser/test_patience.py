"""Signing in while others guess at the same account."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.async_api import Browser, expect

from server.accounts.throttle import ACCOUNT_FAILURES
from tests.browser.visitor import PASSWORD
from tests.lousa import Lousa
from tests.server.views.visitor import Visitor as Program

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def guess(url: str) -> None:
    """Try wrong passwords from this address, as a program does."""
    program = Program(url)
    for _ in range(ACCOUNT_FAILURES):
        assert (await program.sign_in("ana", "wrong")).status == 401


@contextmanager
def accounts(lousa: Lousa) -> Iterator[sqlite3.Connection]:
    """Open the accounts of a running server, to turn its time forward."""
    with closing(sqlite3.connect(lousa.data_dir / "accounts.sqlite3")) as database, database:
        yield database


@pytest.mark.long
async def test_page_waits_by_itself_and_signs_in(browser: Browser, lousa: Lousa) -> None:
    await guess(lousa.url)
    page = await browser.new_page(locale="en")
    await page.clock.install()
    await page.goto(f"{lousa.url}/accounts/sign-in")
    await page.get_by_label("Login").fill("ana")
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    note = page.get_by_role("status")
    await expect(note).to_contain_text("signs you in by itself in 1")
    await expect(page.locator("#password")).to_have_value(PASSWORD)
    with accounts(lousa) as database:
        changed = database.execute("UPDATE failures SET until = until - 60000 WHERE key LIKE 'ticket:%'")
        assert changed.rowcount == 1
    await page.clock.run_for(16_000)
    await page.wait_for_url("**/students/")
