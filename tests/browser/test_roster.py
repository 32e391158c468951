"""The roster in a browser: an export is uploaded, shown, refused where it is half of a school, applied and undone."""

import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from server.cli.serve import DEMO_SCHOOL
from tests.browser.conftest import InClass, Visit
from tests.browser.visitor import TIMEOUT_MS
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def export(path: Path, **changed: str) -> Path:
    """Write the demo's export into a zip, with other texts of some files."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in DEMO_SCHOOL.glob("*.csv"):
            archive.writestr(file.name, changed.get(file.stem, file.read_text()))
    return path


def text(name: str) -> str:
    return (DEMO_SCHOOL / f"{name}.csv").read_text()


async def upload(page: Page, path: Path) -> None:
    await page.get_by_role("link", name="Roster").first.click()
    await page.locator("#files").set_input_files(path)
    await expect(page.get_by_role("heading", name="What would change")).to_be_visible(timeout=TIMEOUT_MS)


async def test_roster_is_uploaded_shown_applied_and_undone(visit: Visit, tmp_path: Path) -> None:
    office = await visit("secretaria")
    page = office.page
    header = text("enrollments").splitlines(keepends=True)[0]
    await upload(page, export(tmp_path / "half.zip", enrollments=header))
    await office.screenshot("roster-half")
    await expect(page.get_by_role("button", name="Apply these changes")).not_to_be_visible()
    await page.get_by_role("button", name="Throw this import away").click()
    await expect(page.get_by_role("heading", name="This import was thrown away")).to_be_visible()
    await upload(page, export(tmp_path / "new.zip", users=text("users").replace("Antunes", "Ávila")))
    await office.screenshot("roster-changes")
    await page.get_by_role("link", name="3 people change").click()
    await expect(page.get_by_text("Paula Nogueira Ávila")).to_be_visible()
    await page.get_by_role("link", name="What changes").click()
    await page.get_by_role("button", name="Apply these changes").click()
    await expect(page.get_by_role("heading", name="What was changed")).to_be_visible(timeout=TIMEOUT_MS)
    await page.get_by_text("Undo this import").first.click()
    await page.get_by_role("button", name="Undo this import").click()
    await expect(page.get_by_role("heading", name="This import was undone")).to_be_visible(timeout=TIMEOUT_MS)
    await page.get_by_role("link", name="Roster").first.click()
    await office.screenshot("roster")


@pytest.mark.long
async def test_refused_export_is_explained(visit: Visit, tmp_path: Path) -> None:
    office = await visit("secretaria")
    page = office.page
    await page.get_by_role("link", name="Roster").first.click()
    await page.locator("#files").set_input_files(export(tmp_path / "x.zip", users=text("users")[:3_000]))
    await expect(page.get_by_role("heading", name="This export cannot be imported")).to_be_visible(timeout=TIMEOUT_MS)
    await office.screenshot("roster-refused")


async def test_class_that_ends_is_read_on(in_class: InClass, lousa: Lousa, tmp_path: Path) -> None:
    (bruno,) = await in_class("bruno")
    await bruno.page.locator("#text").fill("até logo")
    await bruno.page.keyboard.press("Enter")
    await expect(bruno.page.locator("#messages").get_by_text("até logo")).to_be_visible(timeout=TIMEOUT_MS)
    left = {
        name: "".join(line for line in text(name).splitlines(keepends=True) if not line.startswith("6a-mat"))
        for name in ("classes", "enrollments")
    }
    lousa.run("roster", "import", str(export(tmp_path / "left.zip", **left)))
    await expect(bruno.page.get_by_text("This class has ended.")).to_be_visible(timeout=TIMEOUT_MS)
    await expect(bruno.page.locator("#messages").get_by_text("até logo")).to_be_visible(timeout=TIMEOUT_MS)
    await expect(bruno.page.locator("#composer")).not_to_be_visible()
    await bruno.screenshot("class-ended")
