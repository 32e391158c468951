"""The principal's dashboard in a school of many classes."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from channels.transports.credential import SIGN_IN_COOKIE
from tests.browser.visitor import DESKTOP, TIMEOUT_MS, Visitor
from tests.conftest import made_once
from tests.lousa import Lousa
from tests.phoenix import Connection
from tests.roster import PRINCIPAL, TEACHER, write_school

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CLASSES = 300
SMALL_PHONE = (360, 740)

Open = Callable[..., Awaitable[Visitor]]
Come = Callable[[str, str, int], Awaitable[Connection]]


@pytest.fixture(scope="module")
def large_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data of a school of many classes: to be copied, not used."""

    def make(folder: Path) -> None:
        write_school(folder / "roster", CLASSES, CLASSES)
        Lousa(folder / "data").run("roster", "import", str(folder / "roster"))

    return made_once(tmp_path_factory, "school-of-many-classes", make) / "data"


@pytest.fixture
def lousa(large_school: Path, tmp_path: Path) -> Iterator[Lousa]:
    """Run a server with that school."""
    with ExitStack() as servers:
        shutil.copytree(large_school, tmp_path / "data")
        yield servers.enter_context(Lousa(tmp_path / "data"))


@pytest_asyncio.fixture(loop_scope="session")
async def open_dashboard(browser: Browser, lousa: Lousa) -> AsyncIterator[Open]:
    """Return a function that opens the dashboard in a window of this size."""
    visitors: list[Visitor] = []

    async def opened(size: tuple[int, int] = DESKTOP) -> Visitor:
        visitors.append(visitor := await Visitor.arrive(browser, lousa.url, PRINCIPAL, size=size))
        (token,) = lousa.tokens(PRINCIPAL).values()
        await visitor.context.add_cookies([{"name": SIGN_IN_COOKIE, "value": token, "url": lousa.url}])
        await visitor.page.goto("/principal/")
        await visitor.wait_until_online()
        return visitor

    yield opened
    for visitor in visitors:
        visitor.check()


@pytest_asyncio.fixture(loop_scope="session")
async def come(lousa: Lousa) -> AsyncIterator[Come]:
    """Return a function that brings a user of a role into their n-th class."""
    connections: list[Connection] = []

    async def enter(role: str, login: str, place: int) -> Connection:
        (token,) = lousa.tokens(login).values()
        connections.append(await Connection.open(lousa.socket_url(role, token), lambda *event: None))
        topics = (await connections[-1].join("user:me"))["topics"]
        await connections[-1].join([each["topic"] for each in topics if each["title"]][place])
        return connections[-1]

    yield enter
    for connection in connections:
        connection.close()
        await connection.closed.wait()


@pytest.mark.long
async def test_quiet_classes_are_folded_and_attention_comes_first(open_dashboard: Open, come: Come) -> None:
    principal = await open_dashboard(SMALL_PHONE)
    page = principal.page
    await expect(page.locator("#none")).to_have_text("Nobody is in a class now.", timeout=TIMEOUT_MS)
    taught = await come("teachers", TEACHER, 0)
    student = await come("students", "student00005", 0)
    rows = page.locator("#rows tr")
    await expect(rows).to_have_count(2, timeout=TIMEOUT_MS)
    await expect(page.locator("#attention")).to_have_text("1 without a teacher")
    await expect(rows.first).to_contain_text("Not here")
    await expect(rows.last).to_contain_text("Here")
    await expect(page.locator("#quiet")).to_contain_text("298 quiet classes")
    height = await page.evaluate("document.documentElement.scrollHeight")
    assert height < 2 * SMALL_PHONE[1], f"{height} pixels of a page on which two classes are lively"
    await principal.screenshot("dashboard-phone")
    student.close()
    await expect(rows).to_have_count(1, timeout=TIMEOUT_MS)
    taught.close()
    await expect(page.locator("#none")).to_be_visible(timeout=TIMEOUT_MS)


async def test_lesson_without_a_teacher_is_reported_by_itself(open_dashboard: Open, come: Come, lousa: Lousa) -> None:
    teacher = await come("teachers", TEACHER, 0)
    await come("students", "student00001", 0)
    topics = (await teacher.join("user:me"))["topics"]
    await teacher.request(next(each["topic"] for each in topics if each["title"]), "lesson:start", {})
    await until_recorded(lousa, "ended IS NULL")
    teacher.close()
    await until_recorded(lousa, "ended IS NOT NULL")
    begin_earlier(lousa, minutes=6)
    principal = await open_dashboard(SMALL_PHONE)
    page = principal.page
    alert = page.locator("#alerts li")
    await expect(alert).to_contain_text("Lesson without a teacher since", timeout=TIMEOUT_MS)
    await expect(page.locator("#lessons")).to_have_text("1 lesson now")
    await expect(page.locator("#rows tr").first).to_contain_text("Lesson now")
    await principal.screenshot("dashboard-alert")
    await come("teachers", TEACHER, 0)
    await expect(alert).to_have_count(0, timeout=TIMEOUT_MS)
    await expect(page.locator("#lessons")).to_have_text("1 lesson now")


@contextmanager
def journal_of(lousa: Lousa) -> Iterator[sqlite3.Connection]:
    """Open the server's journal."""
    with closing(sqlite3.connect(lousa.data_dir / "journal.sqlite3", isolation_level=None, timeout=5)) as journal:
        yield journal


async def until_recorded(lousa: Lousa, condition: str) -> None:
    """Wait until it is recorded that a teacher was in the lesson."""
    query = f"SELECT count(*) FROM spells WHERE role = 'teacher' AND {condition}"
    with journal_of(lousa) as journal:
        async with asyncio.timeout(TIMEOUT_MS / 1_000):
            while journal.execute(query).fetchone() != (1,):
                await asyncio.sleep(0.05)


def begin_earlier(lousa: Lousa, minutes: int) -> None:
    """Change the journal as if the lesson, and its teacher's time in it, had been earlier."""
    by = {"by": minutes * 60_000}
    with journal_of(lousa) as journal:
        journal.execute("UPDATE events SET at = at - :by WHERE event = 'lesson:started'", by)
        journal.execute("UPDATE spells SET began = began - :by, ended = ended - :by WHERE role = 'teacher'", by)


async def test_quiet_classes_unfold_step_by_step_and_are_found(open_dashboard: Open) -> None:
    principal = await open_dashboard(SMALL_PHONE)
    page = principal.page
    quiet = page.locator("#quiet-classes tbody tr")
    await expect(page.locator("#quiet summary")).to_have_text("300 quiet classes", timeout=TIMEOUT_MS)
    await page.locator("#quiet summary").press("Enter")
    await expect(quiet).to_have_count(40)
    await principal.screenshot("dashboard-phone-quiet")
    await page.get_by_role("button", name="Show 40 more").click()
    await expect(quiet).to_have_count(80)
    await page.locator("#filter").fill("TURMA 29")
    await expect(page.locator("#rows tr")).to_have_count(11)
    await expect(page.locator("#quiet")).to_be_hidden()
    await page.locator("#filter").fill("turma xx")
    await expect(page.locator("#none")).to_have_text("No class matches.")


async def test_progress_of_announcements_moves_and_names_who_is_missing(open_dashboard: Open, come: Come) -> None:
    teacher = await come("teachers", TEACHER, 0)
    topics = (await teacher.join("user:me"))["topics"]
    titles = [each["topic"] for each in topics if each["title"]]
    for number, title in enumerate(("Festa junina", "Horário de provas", "Passeio")):
        await teacher.request(titles[0], "announcement:send", {"title": title, "text": "Detalhes", "id": f"a{number}"})
    principal = await open_dashboard(SMALL_PHONE)
    rows = principal.page.locator("#announced-list > li")
    await expect(rows).to_have_count(2, timeout=TIMEOUT_MS)
    await expect(rows.first).to_contain_text("Passeio")
    await expect(rows.first.locator(".receipt-count")).to_have_text("Read by 0 of 2")
    await rows.first.locator("summary").click()
    await expect(rows.first).to_contain_text("Have not read (2)")
    await principal.screenshot("dashboard-announced-phone")
    student = await come("students", "student00001", 0)
    await student.request(titles[0], "read:mark", {"seq": 3})
    await expect(rows.first.locator(".receipt-count")).to_have_text("Read by 1 of 2", timeout=TIMEOUT_MS)
    await teacher.request(titles[0], "announcement:send", {"title": "Chuva", "text": "Sem recreio", "id": "a4"})
    await expect(rows.first).to_contain_text("Chuva", timeout=TIMEOUT_MS)
    await principal.page.locator("#announced-more").click()
    await expect(rows).to_have_count(4)
    await expect(rows.nth(2).locator("> a")).to_be_focused()
