"""The transcript of a class, whole or of some time, as CSV and JSON, for its teachers and the principal.

It has what the class has seen, in order: messages, hidden ones with a mark and without their words, announcements, when
lessons began and ended, and polls with their results, which say nobody's vote. The CSV is for people, in the reader's
words; the JSON is for programs, with the constants of the protocol.
It is sent in parts as it is read. Each export is in the audit log before the first of them.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from channels.lesson import announcements, chat, lessons, polls
from channels.topics.kind import class_topic
from server.databases.transcript import TranscriptEvent, read_transcript
from server.spreadsheet import BOM, csv_line
from server.views.base import Page, classroom_for
from server.views.reader import Reader

_MESSAGES = (chat.SENT, announcements.SENT)
_LESSONS = (lessons.STARTED, lessons.ENDED, polls.OPENED, polls.CLOSED)
EVENTS = tuple(event.name for event in (*_MESSAGES, *_LESSONS))
Translate = Callable[[str], str]
# A time as ISO 8601 writes it, or in ms since 1970.
MAX_TIME_CHARACTERS = 40


class Transcript(Page):
    """The export; a role's package makes it its own by a subclass."""

    async def get(self, class_id: str, kind: str) -> None:
        """Send the transcript as `csv` or `json`, from `from` until before `to`, or to the end of that day."""
        classroom = classroom_for(self.member, class_id)
        since, until = self._time("from"), self._time("to", is_end=True)
        topic = class_topic(classroom.id)
        given = {name: self.get_query_argument(name, "") for name in ("from", "to")}
        times = {name: value for name, value in given.items() if value}
        await self.audit.record("class:exported", self.member.user, topic=topic, detail={"format": kind, **times})
        parts = read_transcript(self.databases.sessions("journal"), topic, EVENTS, since, until)
        name = f"class-{classroom.id}.{kind}"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        write = self._write_csv if kind == "csv" else self._write_json
        try:
            await write(classroom.title, parts)
        except StreamClosedError:
            pass  # whoever asked has gone

    async def _write_csv(self, _title: str, parts: Any) -> None:
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.write(BOM + csv_line(_head(self.reader.translate)))
        async for events in parts:
            self.write("".join(csv_line(_cells(event, self.reader)) for event in events))
            await self.flush()

    async def _write_json(self, title: str, parts: Any) -> None:
        self.set_header("Content-Type", "application/json")
        self.write(b'{"class":' + msgspec.json.encode(title) + b',"events":[')
        separator = b"\n"
        async for events in parts:
            for event in events:
                self.write(separator + msgspec.json.encode(_as_data(event)))
                separator = b",\n"
            await self.flush()
        self.write(b"\n]}\n")

    def _time(self, name: str, *, is_end: bool = False) -> int | None:
        text = self.get_query_argument(name, "")[:MAX_TIME_CHARACTERS]
        try:
            return read_time(text, self.zone, is_end=is_end) if text else None
        except (ValueError, OverflowError):
            raise HTTPError(400, "no such time") from None


def read_time(text: str, zone: ZoneInfo, *, is_end: bool = False) -> int:
    """Return a time in ms since 1970; a day is its first moment in this zone, or with `is_end` that of the next day.

    Raises ValueError, OverflowError.
    """
    if text.isdecimal() and len(text) > len("20270101"):
        return int(text)
    if len(text) == len("2027-01-01"):
        day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
        return _ms(datetime.combine(day, time(), zone))
    moment = datetime.fromisoformat(text)
    return _ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _head(translate: Translate) -> tuple[str, ...]:
    return (
        translate("Time"),
        translate("Position"),
        translate("Kind"),
        translate("Person"),
        translate("Role"),
        translate("Text"),
        translate("Remark"),
    )


def _cells(event: TranscriptEvent, reader: Reader) -> tuple[object, ...]:
    payload = event.payload
    author = payload.get("author", {})
    at = datetime.fromtimestamp(event.at / 1000, reader.zone).isoformat(sep=" ", timespec="seconds")
    text = ": ".join(part for part in (payload.get("title"), payload.get("text"), payload.get("question")) if part)
    kind, role = _kinds(reader.translate)[event.event], reader.role(author.get("role", ""))
    return at, event.seq, kind, author.get("name", ""), role, text, _remark(payload, reader.translate)


def _kinds(translate: Translate) -> dict[str, str]:
    return {
        chat.SENT.name: translate("Message"),
        announcements.SENT.name: translate("Announcement"),
        lessons.STARTED.name: translate("Start of the lesson"),
        lessons.ENDED.name: translate("End of the lesson"),
        polls.OPENED.name: translate("Poll"),
        polls.CLOSED.name: translate("Result of the poll"),
    }


def _remark(payload: dict[str, Any], translate: Translate) -> str:
    counted = payload.get("options") or payload.get("tally")
    if counted:
        options = (translate("Yes"), translate("No")) if counted == polls.YES_NO else counted
        return " · ".join(map(str, options))
    if "withdrawn" in payload:
        return translate("Withdrawn by {name}.").format(name=payload["withdrawn"]["by"]["name"])
    hidden = payload.get("hidden")
    if hidden is None:
        return _changed(payload, translate)
    words = translate("Hidden by {name}.").format(name=hidden["by"]["name"])
    return f"{words} {hidden['reason']}" if "reason" in hidden else words


def _changed(payload: dict[str, Any], translate: Translate) -> str:
    if "corrected" in payload:
        return translate("Corrected")
    return translate("edited") if "edited" in payload else ""


def _as_data(event: TranscriptEvent) -> dict[str, Any]:
    # The push's id is its client's business.
    payload = {name: value for name, value in event.payload.items() if name != "id"}
    return {"seq": event.seq, "at": event.at, "event": event.event, **payload}
