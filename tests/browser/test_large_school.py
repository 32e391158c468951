"""A school of 100,000 users from an empty folder, all of it in the browser: nothing needs a shell after the start.

Others chat, open pages and sign in meanwhile. With `-s` the test prints how long that takes them, by what the office
does; half an hour of an idle machine of two cores:

    python -m pytest -m long -s tests/browser/test_large_school.py
"""

import asyncio
import csv
import io
import os
import re
import zipfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bench.school import write_school
from tests.browser.others import Others
from tests.browser.visitor import PASSWORD, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

# Fewer, for a look at the test itself.
USERS = int(os.environ.get("LOUSA_LARGE_SCHOOL", "100000"))
# Each step takes a minute or two on two idle cores; others may use them, too.
STEP_MS = 15 * 60_000
# How long others are measured before anything happens: what they then notice is the machine's.
NOTHING_SECONDS = 20


@pytest.fixture
def lousa(tmp_path: Path) -> Iterator[Lousa]:
    """Run a server whose folder is empty."""
    with ExitStack() as servers:
        yield servers.enter_context(Lousa(tmp_path / "data"))


@pytest_asyncio.fixture(loop_scope="session")
async def office(browser: Browser, lousa: Lousa) -> AsyncIterator[Visitor]:
    """Make the first administrator with the code of the console."""
    office = await Visitor.arrive(browser, lousa.url, "secretaria")
    page = office.page
    found = re.search(r"with the code (\S+)\. After", lousa.log_file.read_text())
    assert found is not None
    await page.goto("/")
    await expect(page.locator("#code")).to_be_visible()
    for field, text in {
        "code": found[1],
        "school": "Escola das Araucárias",
        "name": "Rosa Figueira",
        "login": "secretaria",
        "password": "quatro palavras bem verdes",
    }.items():
        await page.locator(f"#{field}").fill(text)
    await page.get_by_role("button", name="Save and sign in").click()
    await page.wait_for_url("**/administrators/")
    yield office
    office.check()


def zipped(folder: Path, path: Path, enrolments: int | None = None) -> Path:
    """Write an export into a zip; with a number, its enrolments are cut off after so many."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in folder.glob("*.csv"):
            if enrolments is None or file.stem != "enrollments":
                archive.write(file, file.name)
                continue
            with file.open(newline="", encoding="utf-8") as rows:
                archive.writestr(file.name, "".join(line for _, line in zip(range(enrolments + 1), rows, strict=False)))
    return path


# A class of the export, with its teacher: who is at the school before the others come.
FIRST = 29


def first_class(folder: Path, path: Path) -> list[str]:
    """Write an export of the first class of a school and its people; return the students' logins."""
    enrolments = _rows(folder, "enrollments")[:FIRST]
    people = {row["userSourcedId"] for row in enrolments}
    kept = {
        "enrollments": ("sourcedId", {row["sourcedId"] for row in enrolments}),
        "classes": ("sourcedId", {enrolments[0]["classSourcedId"]}),
        "users": ("sourcedId", people),
        "roles": ("userSourcedId", people),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.glob("*.csv"):
            column, values = kept.get(file.stem, ("", set()))
            with archive.open(file.name, "w") as raw, io.TextIOWrapper(raw, "utf-8", newline="") as text:
                _copy(_rows(folder, file.stem), text, column, values)
    return [row["username"] for row in _rows(folder, "users") if row["sourcedId"] in people][1:]


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _copy(rows: list[dict[str, str]], text: io.TextIOWrapper, column: str, values: Collection[str]) -> None:
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(row for row in rows if not column or row[column] in values)


async def upload(page: Page, path: Path) -> None:
    """Upload an export, see its progress, and wait for what it would change."""
    await page.goto("/administrators/roster")
    await page.locator("#files").set_input_files(path)
    await page.wait_for_url(re.compile(r"/roster/\d+$"), timeout=STEP_MS)
    await expect(page.get_by_role("heading", name="What would change")).to_be_visible(timeout=STEP_MS)


async def sees_progress(page: Page) -> None:
    """Wait until the bar stands somewhere between its ends."""
    await page.wait_for_function(
        "() => { const bar = document.querySelector('#moving progress');"
        " return bar === null || (bar.position > 0 && bar.position < 1); }",
        timeout=STEP_MS,
    )
    await expect(page.locator("#moving")).to_have_count(1)


def renamed(folder: Path) -> None:
    """Give the first student of the export another name."""
    with (folder / "users.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    rows[0][header.index("familyName")] = "de Outro Nome"
    with (folder / "users.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


async def apply(page: Page) -> None:
    """Apply what is shown, and wait until it is."""
    await page.get_by_role("button", name="Apply these changes").click()
    await expect(page.get_by_role("heading", name="What was changed")).to_be_visible(timeout=STEP_MS)


@pytest.mark.timeout(3 * 3600)  # five steps, the longest of minutes
async def test_large_school_is_run_from_the_browser(office: Visitor, lousa: Lousa, tmp_path: Path) -> None:
    page, export = office.page, tmp_path / "export"
    write_school(export, USERS)
    whole, half = zipped(export, tmp_path / "whole.zip"), zipped(export, tmp_path / "half.zip", enrolments=USERS)
    pupils = first_class(export, tmp_path / "first.zip")
    renamed(export)
    other = zipped(export, tmp_path / "renamed.zip")
    await upload(page, tmp_path / "first.zip")
    await apply(page)
    for login in pupils[:3]:
        await asyncio.to_thread(lousa.run, "user", "set-password", login, "--password-stdin", stdin=f"{PASSWORD}\n")
    async with Others.of(lousa, pupils) as others:
        await asyncio.sleep(NOTHING_SECONDS)
        await run_the_school(office, others, whole, half, other)
    print(f"\n{others.report()}")
    assert others.failed == []


async def run_the_school(office: Visitor, others: Others, whole: Path, half: Path, other: Path) -> None:
    """Bring the whole school, refuse half of it, change it and undo that."""
    page = office.page
    others.phase = "upload and check"
    await upload(page, whole)
    others.phase = "differences"
    await expect(page.get_by_text(f"{USERS - FIRST} people come")).to_be_visible()
    await office.screenshot("large-changes")
    await page.get_by_text(f"{USERS - FIRST} people come").click()
    await page.get_by_role("link", name="More").click()
    await page.go_back()
    await page.go_back()
    others.phase = "apply"
    await page.get_by_role("button", name="Apply these changes").click()
    await sees_progress(page)
    await office.screenshot("large-applying")
    await expect(page.get_by_role("heading", name="What was changed")).to_be_visible(timeout=STEP_MS)

    others.phase = "refusal of half"
    await upload(page, half)
    await expect(page.get_by_text("A large part of the school would be gone.")).to_be_visible()
    await expect(page.get_by_role("button", name="Apply these changes")).not_to_be_visible()
    await page.get_by_role("button", name="Throw this import away").click()
    await expect(page.get_by_role("heading", name="This import was thrown away")).to_be_visible()

    others.phase = "check of a change"
    await upload(page, other)
    await expect(page.get_by_text("1 person changes", exact=True)).to_be_visible()
    others.phase = "apply a change"
    await apply(page)
    await page.goto("/administrators/?text=outro")
    await expect(page.get_by_text("de Outro Nome")).to_be_visible()
    await page.go_back()
    others.phase = "undo a change"
    await undo(page)
    await page.goto("/administrators/?text=outro")
    await expect(page.get_by_text("de Outro Nome")).to_have_count(0)


async def undo(page: Page) -> None:
    """Undo the import that is shown, and wait until it is."""
    await page.get_by_text("Undo this import").first.click()
    await page.get_by_role("button", name="Undo this import").click()
    await expect(page.get_by_role("heading", name="This import was undone")).to_be_visible(timeout=STEP_MS)
