"""What the law asks, in the office's browser: months, legal holds, and a person given out and erased."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import DESKTOP, TIMEOUT_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = (360, 740)
RECORDS = "school/records"


async def find(office: Visitor, name: str) -> None:
    """Go to a person's page."""
    await office.page.goto(office.home)
    await office.page.get_by_role("searchbox").fill(name)
    await office.page.get_by_role("searchbox").press("Enter")
    await office.page.get_by_role("link", name=name).click()


async def test_erased_pupil_is_gone_from_office_and_class(visit: Visit) -> None:
    office, paula = await visit("secretaria"), await visit("paula")
    page = office.page
    await find(office, "Bruno Okamoto")
    await page.get_by_role("link", name="Erase this person…").click()
    await office.wait_until_online()
    await page.get_by_label("under “Former pupil”").check()
    await office.screenshots("records-erase")
    await page.get_by_label("Their login, to be sure").fill("bruno")
    await page.get_by_role("button", name="Erase for good").click()
    await expect(page.locator(".form-note")).to_contain_text("rased")
    await office.screenshots("records-erased")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Former pupil", timeout=TIMEOUT_MS)
    await paula.open_class()
    await expect(paula.page.get_by_text("Bruno Okamoto")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, SMALL], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["en-US", "pt-BR"])
async def test_hold_and_months_are_set_and_told(visit: Visit, size: tuple[int, int], language: str) -> None:
    english = language == "en-US"
    shown = f"records-{language}-{size[0]}"
    office = await visit("secretaria", size=size, language=language)
    page = office.page
    await office.go("school")
    await office.screenshots(f"{shown}-school")
    await office.go(RECORDS)
    await page.locator("#messages").fill("24")
    await page.get_by_role("button", name="Save" if english else "Salvar", exact=True).click()
    await expect(page.locator(".form-note")).to_be_visible()
    await expect(page.locator("#messages")).to_have_value("24")
    await office.screenshots(f"{shown}-months")
    await page.locator(".office-part summary").click()
    await page.locator("#whom").fill("ana")
    await page.locator("#reason").fill("Processo 12/2026")
    await office.screenshots(f"{shown}-hold")
    await page.locator(".office-part form button").click()
    await expect(page.get_by_text("Processo 12/2026")).to_be_visible()
    await office.screenshots(f"{shown}-held")
    await page.goto("/privacy")
    await expect(page.get_by_text("24 months" if english else "24 meses").first).to_be_visible()
    await office.screenshots(f"{shown}-privacy")


@pytest.mark.long
async def test_all_that_is_kept_of_a_pupil_is_downloaded(visit: Visit, tmp_path: Path) -> None:
    office = await visit("secretaria")
    await find(office, "Ana Ribeiro")
    async with office.page.expect_download() as download:
        await office.page.get_by_role("link", name="All that is kept of them (zip)").click()
    with zipfile.ZipFile(io.BytesIO(Path(await (await download.value).path()).read_bytes())) as packed:
        assert json.loads(packed.read("records.json"))["person"]["login"] == "ana"
        page = packed.read("records.html").decode()
    (tmp_path / "records.html").write_text(page)
    page_alone = await office.context.new_page()
    await page_alone.goto(f"file://{tmp_path}/records.html")
    if "LOUSA_SCREENSHOTS" in os.environ:
        await page_alone.screenshot(path=Path(os.environ["LOUSA_SCREENSHOTS"]) / "records-export.png")
