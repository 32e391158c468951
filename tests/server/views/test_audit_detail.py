"""The words for the details of the audit log's records."""

from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from channels.event import EventType
from channels.roles import ROLES
from server.databases.audit import Record
from server.databases.outbox import _NOT_DETAIL
from server.locale import LANGUAGES
from server.views.audit import detail, words
from server.views.audit.detail import told
from server.views.reader import Reader

TOLD = [
    ("chat:locked", {"notes": True}, "os alunos podem escrever aos professores"),
    ("chat:locked", {"notes": False}, ""),
    ("chat:slowed", {"seconds": 0}, "desligado"),
    ("chat:slowed", {"seconds": 15}, "uma mensagem a cada 15 segundos"),
    ("chat:slowed", {"seconds": 60}, "uma mensagem a cada 1 minuto"),
    ("member:muted", {"user": 20, "until": 1_795_874_993_683}, "até 28/11/2026 11:09"),
    ("member:unmuted", {"user": 20}, ""),
    ("attendance:corrected", {"user": 20, "mark": "excused", "note": "Atestado."}, "falta justificada · Atestado."),
    ("hours:changed", {"own": None}, "como a escola"),
    ("hours:changed", {"own": {"mode": "lesson", "spans": []}}, "durante as aulas"),
    ("hours:set", {"zone": "America/Sao_Paulo"}, "America/Sao_Paulo"),
    ("class:exported", {"format": "csv", "from": "2026-11-01", "to": "2026-11-30"}, "CSV · 01/11/2026 – 30/11/2026"),
    ("class:exported", {"format": "csv", "from": "1795874993683"}, "CSV · desde 28/11/2026 11:09"),
    ("class:exported", {"format": "json", "from": "2026-11-01T07:00"}, "JSON · desde 2026-11-01T07:00"),
    (
        "audit:exported",
        {"records": "moderation", "person": "ana", "until": "2026-11-30"},
        "Moderação · ana · até 30/11/2026",
    ),
    (
        "roster:imported",
        {"users": {"created": 3, "updated": 1, "ended": 0}, "classes": {}},
        "pessoas: 3 novas, 1 alterada",
    ),
    ("user:created", {"role": "teacher"}, "professor"),
    ("codes:made", {"users": 2}, "para 2 pessoas"),
    ("token:made", {"days": 30}, "por 30 dias"),
    ("sign-in:made", {"address": "127.0.0.1", "device": "Firefox · Windows"}, "127.0.0.1 · Firefox · Windows"),
    ("flag:closed", {"outcome": "Conversa."}, "Conversa."),
    (
        "records:expired",
        {"messages": 3, "polls": 0, "log": 2},
        "Mensagens: 3 · Registros de quem mudou ou consultou o quê: 2",
    ),
    ("person:erased", {"way": "remove"}, "Sai, também onde foi citado ou denunciado"),
    (
        "settings:set",
        {"keep_messages": 24, "keep_polls": 0, "board": "wine"},
        "Mensagens: 24 meses · Enquetes: sem prazo · wine",
    ),
    ("something:new", {"user": 20, "count": 3, "note": "x"}, "count 3 · x"),
]


def reader(code: str) -> Reader:
    return Reader(LANGUAGES[code].locale.translate, code, ZoneInfo("America/Sao_Paulo"))


def record(kind: str, detail: dict[str, Any]) -> Record:
    return Record("key", 0, kind, detail=detail)


@pytest.mark.parametrize(("kind", "detail", "expected"), TOLD)
def test_detail_is_told_in_the_readers_words(kind: str, detail: dict[str, Any], expected: str) -> None:
    assert told(record(kind, detail), reader("pt_BR")) == expected


def test_times_of_a_week_name_runs_of_days() -> None:
    days = [1, 2, 3, 5]
    spans = [{"day": day, "opens": "07:00", "closes": "12:30"} for day in days]
    hours = {"own": {"mode": "hours", "spans": spans}}
    assert told(record("hours:changed", hours), reader("en")) == "Mon–Wed, Fri 07:00–12:30"


def test_quiet_hours_are_told_as_one_night() -> None:
    quiet = [
        {"day": day, "opens": opens, "closes": closes}
        for day in range(1, 8)
        for opens, closes in (("00:00", "07:00"), ("20:00", "24:00"))
    ]
    assert told(record("hours:set", {"quiet": quiet}), reader("en")) == "quiet hours 20:00–07:00"


@pytest.mark.parametrize("kind", sorted(detail._TOLD))
def test_record_of_an_older_release_is_told_as_well(kind: str) -> None:
    told(record(kind, {}), reader("en"))


def audited() -> list[EventType[Any]]:
    return sorted({event for role in ROLES for event in role.emitted() if event.audited}, key=lambda event: event.name)


@pytest.mark.parametrize("event", audited(), ids=lambda event: event.name)
def test_every_audited_event_has_words(event: EventType[Any]) -> None:
    kinds = {kind for *_, each in words.groups(str) for kind in each}
    assert event.name in kinds
    fields = [field for field in msgspec.structs.fields(event.payload) if field.name not in {*_NOT_DETAIL, "user"}]
    plain = all(is_text(field.type) for field in fields)
    assert plain or event.name in detail._TOLD, f"{event.name} has details that are no texts, and no words for them"


def is_text(kind: Any) -> bool:
    return kind is str or any(is_text(each) for each in get_args(kind))
