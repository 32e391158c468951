"""axe-core finds nothing on the page of a class while a lesson uses all that there is, nor in what opens there."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.colleague import colleague
from tests.browser.conftest import Visit
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_amending import choose, open_menu
from tests.browser.visitor import MATHS_PATH, PHONE, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = ("Uma palavra feia", "Outra palavra feia")

# What opens in the dialog: by whom, by which button of the page, and then by which buttons of the dialog.
DIALOGS: list[tuple[str, str, tuple[str, ...]]] = [
    ("paula", "#lesson-button", ()),
    *(("paula", "#lesson-button", (name,)) for name in ("New poll", "Slow mode…", "Hours of the chat…", "Transcript")),
    *(("paula", "#lesson-button", (name,)) for name in ("Who can read this chat", "Notes from students")),
    ("paula", "#lesson-button", ("End the lesson",)),
    ("paula", ".strip-hands .quiet-button", ()),
    ("paula", ".inbox-note", ()),
    ("paula", ".inbox-flag", ()),
    ("paula", ".poll-actions .quiet-button", ()),
    ("paula", ".person-menu >> nth=0", ()),
    *(("paula", f'.row:has-text("{WORDS[1]}") .row-menu', names) for names in ((), ("Hide",), ("Mute…",))),
    *(("paula", '.row:has-text("Hidden by") .row-menu', names) for names in ((), ("Read the former text",))),
    ("ana", "#lesson-button", ()),
    *(("ana", "#lesson-button", (name,)) for name in ("Write to the teacher", "Who can read this chat")),
    *(("ana", ".by-staff .row-menu", names) for names in ((), ("Report",))),
]


async def from_menu(visitor: Visitor, name: str) -> None:
    """Choose something in the list of the lesson."""
    await visitor.page.locator("#lesson-button").click()
    await choose(visitor, name)


async def amend(visitor: Visitor, text: str, *names: str) -> None:
    """Do something with a message."""
    await visitor.sees(text)
    await open_menu(visitor, text)
    for name in names:
        await choose(visitor, name)


async def use_everything(lousa: Lousa, paula: Visitor, ana: Visitor) -> None:
    """Begin a lesson in which each feature shows something."""
    await from_menu(paula, "Start the lesson")
    await choose(paula, "Start")
    async with colleague(lousa, "bruno") as bruno:
        await bruno.open_class()
        await bruno.say(*WORDS)
    await paula.say("Abram o livro")
    await amend(ana, WORDS[1], "Report")
    await ana.page.get_by_label("It insults somebody").check()
    await choose(ana, "Report")
    await choose(ana, "Close")
    await from_menu(ana, "Write to the teacher")
    await ana.page.locator("#dialog textarea").fill("Não entendi.")
    await choose(ana, "Send")
    await expect(ana.page.locator("#dialog .note-row")).to_contain_text("Não entendi.")
    await choose(ana, "Close")
    await ana.page.locator("#hand-button").click()
    await amend(paula, WORDS[0], "Hide", "Hide")
    await amend(paula, "Abram o livro", "Pin for all")
    await from_menu(paula, "New poll")
    await paula.page.get_by_label("Question").fill("Quanto é 7 × 8?")
    await choose(paula, "Open the poll")
    await paula.page.locator("#text").press("F8")


def lines(visitor: Visitor, *names: str) -> list[Locator]:
    """Return lines under the class's head."""
    return [visitor.page.locator(f".strip-{name}") for name in names]


async def class_in_full_use(visit: Visit, lousa: Lousa) -> dict[str, Visitor]:
    """Return the windows of a teacher, and of a student on a phone, when they show all of it."""
    paula = await visit("paula", path=MATHS_PATH)
    ana = await visit("ana", path=MATHS_PATH, size=PHONE)
    await use_everything(lousa, paula, ana)
    for line in (*lines(paula, "hands", "order", "poll", "inbox", "pins"), *lines(ana, "hand", "poll", "pins")):
        await expect(line).to_be_visible()
    await expect(ana.page.locator("#held")).to_contain_text("locked")
    return {"paula": paula, "ana": ana}


async def test_class_in_full_use_has_no_violation(visit: Visit, lousa: Lousa) -> None:
    for visitor in (await class_in_full_use(visit, lousa)).values():
        await visitor.screenshots(f"full-use-{visitor.login}")
        await assert_accessible(visitor.page)


@pytest.mark.long
async def test_dialogs_of_a_class_have_no_violation(visit: Visit, lousa: Lousa) -> None:
    visitors = await class_in_full_use(visit, lousa)
    for number, (login, button, names) in enumerate(DIALOGS):
        visitor = visitors[login]
        await visitor.page.locator(button).first.dispatch_event("click")  # some show with the pointer only
        for name in names:
            await choose(visitor, name)
        await expect(visitor.page.locator("#dialog")).to_be_visible()
        await visitor.screenshots(f"dialog-{number:02}-{login}")
        await assert_accessible(visitor.page)
        await visitor.page.keyboard.press("Escape")
        await expect(visitor.page.locator("#dialog")).to_be_hidden()


@pytest.mark.long
async def test_alerts_of_the_dashboard_have_no_violation(visit: Visit, lousa: Lousa) -> None:
    diretora = await visit("diretora", language="pt-BR")
    await use_everything(lousa, await visit("paula", path=MATHS_PATH), await visit("ana", path=MATHS_PATH, size=PHONE))
    await expect(diretora.page.locator("#flagged-classes")).to_contain_text("1 denúncia")
    await diretora.screenshots("dashboard-alerts")
    await assert_accessible(diretora.page)
