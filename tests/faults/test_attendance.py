"""Attendance survives SIGKILL of the server, over both transports, without anybody saving it."""

import asyncio
from collections.abc import Callable

from channels.journal.journal import Journal
from channels.journal.sqlite import SqliteWriter
from channels.lesson.attendance import GONE_MS, Thresholds
from channels.lesson.register import Line, lessons_of, lines_of
from channels.topics.kind import parse_name
from server.clock import now_ms
from server.databases import Databases
from server.settings import database_urls
from tests.lousa import Lousa
from tests.scenarios.participant import Participant, Way

TITLE = "6º A · Matemática"


class Class:
    """The class of ana, bruno and paula, and what its register says."""

    def __init__(self, lousa: Lousa) -> None:
        self.lousa = lousa
        self.tokens = lousa.tokens("ana", "bruno", "paula")
        self.databases = Databases(database_urls(lousa.data_dir))
        engine = self.databases.engine("journal")
        self.journal = Journal(engine, SqliteWriter(engine.url.database or ""))

    async def comes(self, role: str, login: str, way: Way = Way.WEBSOCKET) -> Participant:
        someone = await Participant.come(self.lousa, role, self.tokens[login], way)
        await someone.join(someone.topics[TITLE])
        return someone

    async def lines(self, topic: str, now: int) -> dict[int, Line]:
        class_id = parse_name(topic).number
        lessons = await lessons_of(self.journal, class_id)
        lines = await lines_of(self.journal, class_id, lessons, Thresholds(), now)
        return {line.user_id: line for line in lines[lessons[0].target]}

    async def spells(self, topic: str, user_id: int, count: int) -> None:
        """Wait until a user has so many spells in the newest lesson."""
        (lesson,) = await lessons_of(self.journal, parse_name(topic).number)
        async with asyncio.timeout(30):
            while len(await self.journal.spells(topic, [lesson.target], user_id)) < count:
                await asyncio.sleep(0.05)

    async def until(self, topic: str, holds: Callable[[dict[int, Line]], bool], *, later: int = 0) -> dict[int, Line]:
        """Wait until the register fulfils a condition, as it is `later` ms from now."""
        async with asyncio.timeout(30):
            while not holds(lines := await self.lines(topic, now_ms() + later)):
                await asyncio.sleep(0.05)
        return lines


async def test_attendance_of_a_lesson_survives_a_kill(make_lousa: Callable[..., Lousa]) -> None:
    room = Class(make_lousa())
    paula = await room.comes("teachers", "paula")
    topic = paula.topics[TITLE]
    await paula.connection.request(topic, "lesson:start", {"title": "Frações"})
    ana, bruno = await room.comes("students", "ana"), await room.comes("students", "bruno", Way.LONGPOLL)
    ids = {ana.user["id"], bruno.user["id"]}
    await room.until(topic, lambda lines: {user for user, line in lines.items() if line.measured.is_here} == ids)

    room.lousa.kill()
    await asyncio.to_thread(room.lousa.start)
    paula, again = await room.comes("teachers", "paula"), await room.comes("students", "ana", Way.LONGPOLL)
    await room.spells(topic, ana.user["id"], 2)
    await paula.connection.request(topic, "lesson:end", {})

    # By now the worker that was killed counts as gone; the one that runs has written how its spells ended.
    lines = await room.until(topic, lambda lines: not lines[ana.user["id"]].measured.is_cut, later=GONE_MS + 1)
    assert lines[bruno.user["id"]].measured.is_cut
    assert {user for user, line in lines.items() if line.measured.came is not None} == ids
    for each in (ana, bruno, again, paula):
        await each.close()
    await room.databases.dispose()
