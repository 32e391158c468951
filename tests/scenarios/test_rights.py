"""A forbidden push is refused with a reason and the connection stays; a disabled account is disconnected."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.carrier import Refused
from tests.phoenix import ErrorReply
from tests.scenarios.conftest import Lesson, Site
from tests.scenarios.participant import Way


async def test_student_may_neither_announce_nor_join_another_class(lesson: Lesson) -> None:
    ana, teacher = await lesson.ana(), await lesson.teacher()
    topic, other = teacher.topics[lesson.title], teacher.topics[lesson.other_title]
    await ana.join(topic)
    with pytest.raises(ErrorReply, match="forbidden"):
        await ana.push(topic, "announcement:send", text="Sem aula")
    with pytest.raises(ErrorReply, match="forbidden"):
        await ana.push(topic, "receipts:read", seq=1)
    for place, code in [(other, "forbidden"), ("role:teachers", "unmatched_topic"), ("dashboard", "unmatched_topic")]:
        with pytest.raises(ErrorReply, match=code):
            await ana.join(place)
        with pytest.raises(ErrorReply, match="unmatched_topic"):
            await ana.say(place, "Oi")
    await ana.say(topic, "Só converso")
    await ana.reads(topic, "Só converso")


async def test_handshake_needs_a_credential_of_the_same_role(site: Site, way: Way) -> None:
    for role, token in [
        ("students", "de-ninguém"),
        ("teachers", site.tokens["student00001"]),
        ("students", site.tokens["teacher1"]),
    ]:
        with pytest.raises(Refused) as refused:
            await site.come(role, token, way)
        assert refused.value.status == 403


async def test_disabled_account_is_disconnected_at_once(site: Site, lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    await asyncio.to_thread(site.lousa.run, "user", "disable", lesson.ana_login)
    assert await ana.is_ended() == 4001
    assert ana.seen("user:me", "session:ended")[0]["code"] == "signed_out"
    await bruno.sees_present(topic, [bruno])
    with pytest.raises(Refused) as refused:
        await ana.connect()
    assert refused.value.status == 403


async def test_unknown_or_malformed_push_is_refused_without_side_effects(lesson: Lesson) -> None:
    ana = await lesson.ana()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    for event, payload, code in [
        ("message:shout", {"text": "Oi"}, "unknown_event"),
        ("message:send", {}, "bad_payload"),
        ("message:send", {"text": "   "}, "bad_payload"),
        ("message:send", {"text": "\u3164\u2800"}, "bad_payload"),
        ("message:send", {"text": 7}, "bad_payload"),
        ("message:send", {"text": "Oi", "colour": "red"}, "bad_payload"),
        ("history:read", {"limit": 10}, "bad_payload"),
        ("history:read", {"before": 5, "limit": 1_000}, "bad_payload"),
        ("read:mark", {"seq": -1}, "bad_payload"),
    ]:
        with pytest.raises(ErrorReply, match=code):
            await ana.push(topic, event, **payload)  # type: ignore[arg-type]
    await ana.say(topic, "Oi")
    await ana.reads(topic, "Oi")


async def test_dated_right_ends_on_the_open_connection_with_the_day(site: Site, lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    # East of the date line it is another day already: there, a day that holds in the west is over.
    west, east = "Pacific/Pago_Pago", "Pacific/Kiritimati"
    await asyncio.to_thread(site.lousa.run, "school", "set-zone", west)
    try:
        _ends(site, lesson.ana_login, datetime.now(ZoneInfo(west)).date())
        await ana.say(topic, "Até hoje")
        await bruno.reads(topic, "Até hoje")
        await asyncio.to_thread(site.lousa.run, "school", "set-zone", east)
        await ana.sees(topic, "phx_close")
        with pytest.raises(ErrorReply, match="unmatched_topic"):
            await ana.say(topic, "E amanhã?")
        await bruno.sees_present(topic, [bruno])
    finally:
        await asyncio.to_thread(site.lousa.run, "school", "set-zone", "UTC")


def _ends(site: Site, login: str, day: date) -> None:
    with closing(sqlite3.connect(site.lousa.data_dir / "accounts.sqlite3", timeout=30)) as db, db:
        who = "(SELECT id FROM users WHERE login = ?)"
        db.execute(f"UPDATE enrolments SET ends = ? WHERE user_id = {who}", (day.isoformat(), login))
