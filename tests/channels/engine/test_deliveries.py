"""Which users an announcement was delivered to is recorded without holding up the event loop."""

import asyncio

import pytest

from channels.engine import deliveries
from channels.journal.entry import Mark
from tests.channels.support import ANA, CLASS, DIRETORA, Worker, member


async def test_thousands_are_recorded_in_several_turns(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "NOTED_AT_ONCE", 2)
    principal = worker.connect(DIRETORA)
    await principal.ok("school", "phx_join")
    students = [member(1_000 + number, f"s{number}", "student", CLASS) for number in range(7)]
    for each in students:
        await worker.connect(each).ok("school", "phx_join")
    marks: list[int] = []
    turns: list[int] = []
    mark_read = worker.engine.journal.mark_read

    def note(mark: Mark) -> None:
        marks.append(mark.user_id)
        mark_read(mark)

    monkeypatch.setattr(worker.engine.journal, "mark_read", note)
    await principal.ok("school", "announcement:send", {"title": "Aviso", "text": "Amanhã não há aula."})
    async with asyncio.timeout(10):
        while len(marks) < len(students):
            before = len(marks)
            await asyncio.sleep(0)
            turns.append(len(marks) - before)
    assert sorted(marks) == [each.user.id for each in students]
    assert max(turns) <= 2
    assert ANA.user.id not in marks
