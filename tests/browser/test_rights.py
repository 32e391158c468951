"""A right that is withdrawn is withdrawn from open pages too, and one that comes back works again."""

import asyncio
import csv
import shutil
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS, TIMEOUT_MS
from tests.lousa import DEMO_SCHOOL, Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def without_enrolment(login: str, title: str, folder: Path) -> Path:
    """Write the demo school's export without one enrolment, and return its folder."""
    shutil.copytree(DEMO_SCHOOL, folder)
    user = next(row["sourcedId"] for row in rows("users") if row["username"] == login)
    class_ = next(row["sourcedId"] for row in rows("classes") if row["title"] == title)
    kept = [row for row in rows("enrollments") if (row["userSourcedId"], row["classSourcedId"]) != (user, class_)]
    with (folder / "enrollments.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    return folder


def rows(name: str) -> list[dict[str, str]]:
    with (DEMO_SCHOOL / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


async def test_removed_class_closes_and_reopens_when_added_again(visit: Visit, lousa: Lousa, tmp_path: Path) -> None:
    ana, paula = await visit("ana"), await visit("paula")
    listing = await ana.new_tab()
    await listing.page.goto("/students/")
    await ana.open_class()
    await paula.open_class()
    link = listing.page.locator("#classes").get_by_role("link", name=MATHS)
    await expect(link).to_have_count(1)

    export = without_enrolment("ana", MATHS, tmp_path / "export")
    await asyncio.to_thread(lousa.run, "roster", "import", str(export))
    await expect(ana.page.locator("#gone")).to_be_visible(timeout=TIMEOUT_MS)
    await expect(link).to_have_count(0)
    await paula.say("sem a Ana")
    await paula.sees("sem a Ana")
    await expect(ana.message("sem a Ana")).to_have_count(0)

    await asyncio.to_thread(lousa.run, "roster", "import", str(DEMO_SCHOOL))
    await expect(link).to_have_count(1, timeout=TIMEOUT_MS)
    await paula.say("de volta")
    await expect(link).to_contain_text("de volta", timeout=TIMEOUT_MS)
    listing.check()
