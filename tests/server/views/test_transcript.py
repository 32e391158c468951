"""The transcript of a class as CSV and JSON, for its teachers and the principal."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels.event import EventType
from channels.journal.entry import Entry
from channels.journal.journal import Journal
from channels.lesson import announcements, chat, polls
from channels.member import User
from channels.topics.kind import class_topic
from server.audit.audit import Audit
from server.databases import Databases
from server.databases.audit import Wanted
from server.views.transcript import EVENTS, _kinds, read_time
from tests.channels.conftest import _Nobody
from tests.channels.support import writer_for
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
Write = Callable[..., Awaitable[None]]
ANA = User(1, "Ana Ribeiro", "student")
PAULA = User(2, "Paula Nogueira", "teacher")


@pytest.fixture
async def write(databases: Databases, school: School) -> AsyncIterator[Write]:
    """Return a function that stores an event of the class at a time."""
    database = databases.engine("journal")
    journal = Journal(database, writer_for(database))
    await journal.open()
    journal.start(_Nobody())

    async def append(event: EventType[Any], payload: Any, at: int) -> None:
        body = event.encode(payload)
        journal.append([Entry(class_topic(school.mathematics), event.name, body, 1, None, at)], lambda _: None)

    yield append
    await journal.close()


@pytest.fixture
async def address(write: Write, school: School, databases: Databases) -> str:
    """Return the address of the transcript of a class with a message, a hidden one, and an announcement."""
    await write(chat.SENT, chat.MessageSent("=1+1", ANA), 1_800_000_000_000)
    await write(chat.SENT, chat.MessageSent("", ANA, hidden=chat.Hidden(PAULA, "ofensa")), 1_800_000_100_000)
    await write(announcements.SENT, announcements.AnnouncementSent("Prova", "Amanhã", PAULA), 1_800_000_200_000)
    return f"/teachers/classes/{school.mathematics}/transcript"


async def until_stored(visitor: Visitor, address: str) -> Any:
    while len((found := json.loads((await visitor.get(f"{address}.json")).text))["events"]) < 3:
        pass
    return found


async def test_json_has_the_events_and_marks_hidden_ones(signed_in: SignedIn, address: str) -> None:
    found = await until_stored(await signed_in("paula"), address)
    assert found["class"] == "6º A · Matemática"
    first, hidden, announced = found["events"]
    assert (first["seq"], first["at"], first["text"], first["author"]["name"]) == (
        1,
        1_800_000_000_000,
        "=1+1",
        "Ana Ribeiro",
    )
    assert (hidden["text"], hidden["hidden"]["reason"]) == ("", "ofensa")
    assert announced["event"] == "announcement:sent"


async def test_csv_marks_hidden_text_and_guards_formulas(signed_in: SignedIn, address: str) -> None:
    paula = await signed_in("paula")
    await until_stored(paula, address)
    sheet = await paula.get(f"{address}.csv")
    head, first, hidden, announced, rest = sheet.text.split("\r\n")
    assert head == "\ufeffTime,Position,Kind,Person,Role,Text,Remark"
    assert first.endswith(",1,Message,Ana Ribeiro,student,'=1+1,")
    assert hidden.endswith(",2,Message,Ana Ribeiro,student,,Hidden by Paula Nogueira. ofensa")
    assert announced.endswith(",3,Announcement,Paula Nogueira,teacher,Prova: Amanhã,")
    assert rest == ""


async def test_polls_are_there_with_their_results(signed_in: SignedIn, address: str, write: Write) -> None:
    await write(polls.OPENED, polls.PollOpened("Entenderam?", ["Sim", "Não"], True, False, PAULA), 1_800_000_300_000)
    await write(polls.CLOSED, polls.PollClosed(4, [12, 3], PAULA), 1_800_000_400_000)
    paula = await signed_in("paula")
    while "Result of the poll" not in (sheet := (await paula.get(f"{address}.csv")).text):
        pass
    assert ",4,Poll,Paula Nogueira,teacher,Entenderam?,Sim · Não\r\n" in sheet
    assert ",5,Result of the poll,Paula Nogueira,teacher,,12 · 3\r\n" in sheet


async def test_csv_is_in_the_readers_words(signed_in: SignedIn, address: str, write: Write) -> None:
    withdrawn = announcements.AnnouncementSent("", "", PAULA, withdrawn=announcements.Withdrawn(PAULA))
    corrected = announcements.AnnouncementSent("", "Amanhã", PAULA, corrected=1_800_000_250_000)
    poll = polls.PollOpened("", polls.YES_NO, False, False, PAULA)
    for event, payload in ((announcements.SENT, withdrawn), (announcements.SENT, corrected), (polls.OPENED, poll)):
        await write(event, payload, 1_800_000_300_000)
    paula = await signed_in("paula")
    paula.language = "pt-BR"
    while ",6," not in (sheet := (await paula.get(f"{address}.csv")).text):
        pass
    assert ",Ana Ribeiro,aluno,'=1+1,\r\n" in sheet
    assert ",4,Aviso,Paula Nogueira,professor,,Retirado por Paula Nogueira.\r\n" in sheet
    assert ",5,Aviso,Paula Nogueira,professor,Amanhã,Corrigido\r\n" in sheet
    assert ",6,Enquete,Paula Nogueira,professor,,Sim · Não\r\n" in sheet


def test_every_kind_of_the_transcript_has_words() -> None:
    assert set(_kinds(str)) == set(EVENTS)


async def test_transcript_of_some_time_has_no_more(signed_in: SignedIn, address: str) -> None:
    paula = await signed_in("paula")
    await until_stored(paula, address)
    some = await paula.get(f"{address}.json?from=1800000100000&to=1800000200000")
    assert [event["seq"] for event in json.loads(some.text)["events"]] == [2]
    assert (await paula.get(f"{address}.json?from=ontem")).status == 400


async def test_each_export_is_recorded_before_it_is_sent(
    signed_in: SignedIn, address: str, databases: Databases, school: School
) -> None:
    await (await signed_in("paula")).get(f"{address}.csv?from=2027-01-01")
    (found,) = await Audit(databases).find(Wanted(["class:exported"]), None, 10)
    assert found.topic == class_topic(school.mathematics)
    assert found.detail == {"format": "csv", "from": "2027-01-01"}


async def test_transcript_is_for_the_classes_own_teachers_and_the_principal(
    signed_in: SignedIn, school: School
) -> None:
    own, other = school.mathematics, school.history
    assert (await (await signed_in("diretora")).get(f"/principal/classes/{other}/transcript.csv")).status == 200
    assert (await (await signed_in("paula")).get(f"/teachers/classes/{other}/transcript.csv")).status == 404
    assert (await (await signed_in("ana")).get(f"/teachers/classes/{own}/transcript.csv")).status == 403
    assert (await (await signed_in("ana")).get(f"/students/classes/{own}/transcript.csv")).status == 404


async def test_long_class_is_read_in_parts(signed_in: SignedIn, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.databases.transcript.AT_ONCE", 1)
    assert len((await until_stored(await signed_in("paula"), address))["events"]) == 3


def test_day_is_that_of_the_schools_time_zone() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    assert read_time("2027-01-01", zone, is_end=True) - read_time("2027-01-01", zone) == 24 * 3_600_000
    assert read_time("2027-01-01", zone) == read_time("2027-01-01T00:00:00-03:00", zone)
    assert read_time("2027-01-01T00:00:00Z", zone) == 1_798_761_600_000
    assert read_time("1800000000000", zone) == 1_800_000_000_000
