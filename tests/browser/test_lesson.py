"""A whole lesson as a class lives through it: a teacher, four students, one of them on a phone, and the principal."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_amending import open_menu
from tests.browser.visitor import MATHS, MATHS_PATH, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORD = "Você é burro"
NOTE = "Não entendi a questão 3."
QUESTION = "Quanto é 1/2 + 1/4?"
EXAM = "Prova na sexta"


@dataclass(slots=True)
class Lesson:
    """Who is in the class. Ana and Diretora read Portuguese, the others English; Ana is on a phone."""

    paula: Visitor
    diretora: Visitor
    ana: Visitor
    bruno: Visitor
    andre: Visitor
    caua: Visitor
    pictures: int = 0

    @property
    def students(self) -> list[Visitor]:
        """The four students."""
        return [self.ana, self.bruno, self.andre, self.caua]

    @property
    def everybody(self) -> list[Visitor]:
        """All six."""
        return [self.paula, self.diretora, *self.students]

    async def picture(self, name: str, *visitors: Visitor) -> None:
        """Take pictures of what these see, in the order of the lesson."""
        self.pictures += 1
        for visitor in visitors:
            await visitor.screenshots(f"lesson-{self.pictures:02}-{name}-{visitor.login.partition('.')[0]}")


def dialog(visitor: Visitor) -> Locator:
    return visitor.page.locator("#dialog")


async def press(visitor: Visitor, name: str) -> None:
    await dialog(visitor).get_by_role("button", name=name, exact=True).click()


async def choose(visitor: Visitor, name: str, button: str = "Lesson") -> None:
    await visitor.page.get_by_role("button", name=button, exact=True).click()
    await press(visitor, name)


async def start(lesson: Lesson) -> None:
    await lesson.paula.page.get_by_role("button", name="Lesson", exact=True).click()
    await lesson.picture("menu", lesson.paula)
    await press(lesson.paula, "Start the lesson")
    await lesson.paula.page.locator("#lesson-title").fill("Frações")
    await lesson.paula.page.keyboard.press("Enter")
    for visitor in lesson.everybody:
        await expect(visitor.page.locator(".lesson-now")).to_contain_text("Frações")


async def chat(lesson: Lesson) -> None:
    texts = ["Bom dia! Abram o livro na página 42.", "Bom dia, professora!", "Qual exercício?"]
    for visitor, text in zip((lesson.paula, lesson.ana, lesson.bruno), texts, strict=True):
        await visitor.say(text)
        await lesson.paula.sees(text)
    for visitor in lesson.everybody:
        await visitor.sees(*texts)
        shown = await visitor.page.locator("#messages").inner_text()
        assert sorted(texts, key=shown.index) == texts
    await open_menu(lesson.paula, texts[0])
    await lesson.picture("message", lesson.paula)
    await press(lesson.paula, "Pin for all")
    for visitor in lesson.everybody:
        await expect(visitor.page.locator(".strip-pins")).to_contain_text(texts[0])
    await lesson.picture("chat", *lesson.everybody)


async def lock(lesson: Lesson) -> None:
    await lesson.paula.page.locator("#text").press("F8")
    held = {
        "ana": "A conversa está trancada. Você ainda pode escrever ao professor.",
        "bruno": "The chat is locked. You can still write to the teacher.",
    }
    for visitor in (lesson.ana, lesson.bruno):
        await expect(visitor.page.locator("#held")).to_have_text(held[visitor.login])
    await expect(lesson.diretora.page.locator(".strip-order")).to_contain_text("Conversa trancada")
    await lesson.picture("locked", lesson.paula, lesson.ana, lesson.bruno)


async def note(lesson: Lesson) -> None:
    await choose(lesson.ana, "Escrever ao professor", "Aula")
    await dialog(lesson.ana).locator("textarea").fill(NOTE)
    await press(lesson.ana, "Enviar")
    await expect(dialog(lesson.ana).locator(".note-row")).to_contain_text(NOTE)
    await lesson.picture("note", lesson.ana)
    await press(lesson.ana, "Fechar")
    waiting = lesson.paula.page.locator(".inbox-note")
    await expect(waiting).to_contain_text("1 note")
    await lesson.picture("note-waits", lesson.paula)
    await waiting.click()
    await dialog(lesson.paula).get_by_role("button", name=re.compile("^Ana Ribeiro")).click()
    await dialog(lesson.paula).locator("textarea").fill("Venha à minha mesa.")
    await press(lesson.paula, "Send")
    await expect(waiting).to_be_hidden()
    await expect(dialog(lesson.paula).get_by_role("button", name="Needs no answer")).to_be_hidden()
    await lesson.picture("note-answered", lesson.paula)
    await press(lesson.paula, "Close")
    await expect(lesson.ana.page.locator(".inbox-note")).to_contain_text("Paula")
    await lesson.ana.page.locator(".inbox-note").click()
    await expect(dialog(lesson.ana)).to_contain_text("Venha à minha mesa.")
    await press(lesson.ana, "Fechar")
    await lesson.paula.page.locator(".strip-order").get_by_role("button", name="Unlock").click()
    await expect(lesson.ana.page.locator("#held")).to_be_empty()
    for visitor in (lesson.bruno, lesson.andre, lesson.caua):
        await expect(visitor.page.locator("body")).not_to_contain_text(NOTE)


async def hands(lesson: Lesson) -> None:
    queue = lesson.paula.page.locator(".strip-hands")
    for count, visitor in enumerate((lesson.bruno, lesson.andre, lesson.ana), start=1):
        await visitor.page.locator("#hand-button").click()
        await expect(queue).to_contain_text(f"{count} hand")
    await expect(lesson.andre.page.locator(".strip-hand")).to_contain_text("1 person is before you")
    await lesson.paula.page.locator("#text").press("Alt+KeyK")
    await expect(lesson.bruno.page.locator(".strip-hand")).to_contain_text("It is your turn to speak.")
    await lesson.picture("hands", lesson.paula, lesson.ana, lesson.bruno)
    await queue.get_by_role("button", name="All", exact=True).click()
    await lesson.picture("queue", lesson.paula)
    await press(lesson.paula, "Lower all hands")
    for visitor in lesson.everybody:
        await expect(visitor.page.locator(".strip-hands:visible, .strip-hand:visible")).to_have_count(0)


async def poll(lesson: Lesson) -> None:
    await choose(lesson.paula, "New poll")
    await dialog(lesson.paula).get_by_label("Question").fill(QUESTION)
    for number, option in enumerate(("2/6", "3/4", "1/8"), start=1):
        await dialog(lesson.paula).get_by_label(f"Option {number}").fill(option)
    await lesson.picture("new-poll", lesson.paula)
    await press(lesson.paula, "Open the poll")
    for visitor, option in zip(lesson.students, ("3/4", "2/6", "3/4", "3/4"), strict=True):
        await visitor.page.locator(".poll").get_by_role("button", name=option).click()
    counts = lesson.paula.page.locator(".poll-count")
    await expect(counts).to_have_text(["1", "3", "0"])
    await lesson.picture("poll", lesson.paula, lesson.ana, lesson.bruno)
    await lesson.paula.page.get_by_role("button", name="Close the poll").click()
    for visitor in lesson.everybody:
        await expect(visitor.page.locator(".poll-count")).to_have_text(["1", "3", "0"])
    await lesson.picture("poll-closed", lesson.paula, lesson.ana)
    await lesson.ana.page.get_by_role("button", name="Esconder o resultado").click()
    for visitor in (lesson.paula, lesson.bruno):
        await visitor.page.get_by_role("button", name="Hide the result").click()


async def flag_and_hide(lesson: Lesson) -> None:
    await lesson.caua.say(WORD)
    await lesson.bruno.sees(WORD)
    await open_menu(lesson.bruno, WORD)
    await press(lesson.bruno, "Report")
    await lesson.bruno.page.get_by_label("It insults somebody").check()
    await lesson.picture("report", lesson.bruno)
    await press(lesson.bruno, "Report")
    await press(lesson.bruno, "Close")
    await lesson.paula.page.locator(".inbox-flag").click()
    await expect(dialog(lesson.paula)).to_contain_text(WORD)
    await lesson.picture("reported", lesson.paula)
    await press(lesson.paula, "Hide the message")
    await press(lesson.paula, "Close")
    await expect(lesson.ana.page.locator("#messages")).to_contain_text("Ocultada por")
    for visitor in lesson.everybody:
        await expect(visitor.page.locator("body")).not_to_contain_text(WORD)
    await expect(lesson.bruno.page.locator(".inbox-note")).to_contain_text("Your report has been dealt with.")
    await lesson.picture("hidden", lesson.ana, lesson.bruno)


async def mute(lesson: Lesson) -> None:
    row = lesson.paula.page.locator("#people .person").filter(has_text="Cauã")
    await row.locator(".person-menu").click()
    await press(lesson.paula, "Mute…")
    await lesson.picture("mute", lesson.paula)
    await press(lesson.paula, "15 minutes")
    await expect(lesson.caua.page.locator("#held")).to_contain_text("your teacher has muted you")
    await expect(row).to_contain_text("Muted until")
    for visitor in (lesson.ana, lesson.bruno, lesson.andre):
        await expect(visitor.page.locator("#held")).to_be_empty()
    await lesson.picture("muted", lesson.paula, lesson.caua)


async def announce(lesson: Lesson) -> None:
    board = await lesson.paula.new_tab()
    await board.go("announcements")
    await board.page.get_by_label(MATHS).check()
    await board.page.locator("#title").fill(EXAM)
    await board.page.locator("#text").fill("Capítulos 3 e 4. Tragam régua.")
    await board.page.locator("#announce-more summary").click()
    await board.page.get_by_label("Readers confirm that they have read it").check()
    await board.page.locator("#announce-button").click()
    receipt = board.page.locator(".receipt").first
    await expect(receipt).to_contain_text("Confirmed by 0 of 28")
    await expect(lesson.ana.page.locator(".announcement")).to_contain_text(EXAM)
    await lesson.picture("announcement", lesson.ana)
    for visitor in lesson.students:
        label = re.compile("I have read this|Li este aviso")
        await visitor.page.get_by_role("button", name=label).click()
    await expect(receipt).to_contain_text("Confirmed by 4 of 28")
    await receipt.locator("summary").click()
    await expect(receipt).to_contain_text("Have not confirmed (24)")
    await board.screenshots(f"lesson-{lesson.pictures:02}-announced-paula")
    await lesson.picture("confirmed", lesson.ana, lesson.paula, lesson.diretora)
    board.check()
    await board.page.close()


async def end(lesson: Lesson) -> None:
    await choose(lesson.paula, "End the lesson")
    await press(lesson.paula, "End the lesson")
    for visitor in lesson.everybody:
        await expect(visitor.page.locator(".lesson-now")).to_be_hidden()
    await lesson.picture("ended", lesson.paula)


async def attendance(lesson: Lesson) -> None:
    await lesson.paula.page.get_by_role("link", name="See the attendance").click()
    await lesson.paula.page.get_by_text("Frações").click()
    lines = lesson.paula.page.locator(".register-line").filter(has=lesson.paula.page.locator(".register-mark"))
    await expect(lines).to_have_count(28)
    await expect(lines.filter(has_text="absent")).to_have_count(24)
    for name in ("Ana", "Bruno", "André", "Cauã"):
        await expect(lines.filter(has_text=f"{name} ").locator(".register-mark").first).to_have_text("present")
    await lesson.picture("attendance", lesson.paula)
    await choose(lesson.ana, "Minha presença", "Aula")
    await expect(lesson.ana.page.locator(".register-line")).to_contain_text("presente")
    await lesson.picture("attendance-own", lesson.ana)


async def transcript(lesson: Lesson) -> None:
    await lesson.paula.go(MATHS_PATH)
    await choose(lesson.paula, "Transcript")
    await lesson.picture("transcript", lesson.paula)
    text = await downloaded(lesson.paula.page, lambda: dialog(lesson.paula).get_by_text("CSV").click())
    for said in ("Frações", "Qual exercício?", QUESTION, EXAM, "Hidden by"):
        assert said in text, f"{said} is not in the transcript: {text}"
    for secret in (WORD, NOTE):
        assert secret not in text
    await lesson.diretora.page.goto("/audit")
    records = lesson.diretora.page.locator(".records")
    for done in ("ocultou uma mensagem", "silenciou um aluno", "trancou a conversa", "exportou uma turma"):
        await expect(records).to_contain_text(done)
    await expect(records).not_to_contain_text(WORD)
    await lesson.picture("records", lesson.diretora)


async def downloaded(page: Page, click: Callable[[], Awaitable[None]]) -> str:
    async with page.expect_download() as download:
        await click()
    return Path(await (await download.value).path()).read_text("utf-8-sig")


@pytest.mark.timeout(480)  # six windows, and twelve steps: 20 s of CPU, on a machine that others use too
async def test_class_lives_through_a_whole_lesson(visit: Visit) -> None:
    lesson = Lesson(
        await visit("paula", path=MATHS_PATH),
        await visit("diretora", path=MATHS_PATH, language="pt-BR"),
        await visit("ana", path=MATHS_PATH, size=PHONE, language="pt-BR"),
        await visit("bruno", path=MATHS_PATH),
        await visit("andre.nogueira", path=MATHS_PATH),
        await visit("caua.camargo", path=MATHS_PATH),
    )
    steps = (start, chat, lock, note, hands, poll, flag_and_hide, mute, announce, end, attendance, transcript)
    for step in steps:
        await step(lesson)
