"""The page of the audit log: what was done, newest first; by kind, by person and by day; and all of that as CSV."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from channels.topics.kind import CLASS, CLASS_STAFF, class_topic, parse_name
from server.databases.audit import Place, Record, Wanted
from server.spreadsheet import BOM, csv_line
from server.views.audit import words
from server.views.audit.detail import told
from server.views.base import Page
from server.views.reader import Reader

AUDIT = "/audit"
# One page of the log: what one looks through at a glance or two.
PAGE_RECORDS = 50
# Records that a CSV is read by: its memory does not grow with the log.
SHEET_RECORDS = 500
# Characters of a person that is looked for: no name or login is longer.
MAX_PERSON_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Filter:
    """What was chosen on the page, as in its address; empty: everything."""

    kind: str = ""
    person: str = ""
    since: str = ""
    until: str = ""

    def query(self, **more: object) -> str:
        """Return it as the query of an address."""
        chosen = {"kind": self.kind, "person": self.person, "since": self.since, "until": self.until}
        return urlencode({name: value for name, value in (chosen | more).items() if value})


class Line(NamedTuple):
    """A record in words; `what` follows the name of `who`, where there is one. `href` leads to the class.

    `at` is in the school's time zone, `time` says it as the reader's language writes it.
    """

    at: datetime
    time: str
    who: str
    what: str
    about: str
    where: str
    href: str
    more: str


class AuditPage(Page):
    """The page."""

    async def prepare(self) -> None:
        """Let nobody in but the roles that may read the log."""
        await super().prepare()
        if self.current_user is not None and not self.tables.rules.of(self.current_user).reads_audit:
            raise HTTPError(403, "not for this role")

    async def get(self) -> None:
        """Show what was done, newest first."""
        chosen = self.chosen
        wanted = await self.wanted(chosen)
        await self.audit.catch_up()
        found = await self.audit.find(wanted, self._before, PAGE_RECORDS + 1)
        shown = found[:PAGE_RECORDS]
        last = shown[-1].place if len(found) > PAGE_RECORDS else None
        await self.show(
            "audit.html",
            lines=await self.lines(shown),
            groups=words.groups(self.locale.translate),
            chosen=chosen,
            zone=self.zone.key,
            has_zone=self.has_zone,
            older=f"?{chosen.query(before=f'{last.at}-{last.id}')}" if last else "",
            sheet_address=f"{AUDIT}.csv?{chosen.query()}",
            is_first=self._before is None,
            navigation=self.navigation(),
            page_data=self.page_data(),
        )

    @property
    def chosen(self) -> Filter:
        """Return what the address asks for."""
        names = ("kind", "person", "since", "until")
        return Filter(*(self.get_query_argument(name, "")[:MAX_PERSON_CHARACTERS] for name in names))

    @property
    def _before(self) -> Place | None:
        at, _, number = self.get_query_argument("before", "").partition("-")
        if not at:
            return None
        if not (at.isdecimal() and number.isdecimal() and len(at) <= 15 and len(number) <= 18):
            raise HTTPError(400, "no such place")
        return Place(int(at), int(number))

    async def wanted(self, chosen: Filter) -> Wanted:
        """Return which records are wanted. Days are the school's, the last one included."""
        until = _day(chosen.until)
        return Wanted(
            await self._kinds(chosen.kind),
            await self.accounts.called(chosen.person) if chosen.person else None,
            _begins(_day(chosen.since), self.zone),
            _begins(until + timedelta(days=1) if until else None, self.zone),
        )

    async def _kinds(self, group: str) -> list[str] | None:
        groups = {name: list(kinds) for name, _, kinds in words.groups(self.locale.translate)}
        if group == "moderation":
            others = {kind for name, kinds in groups.items() if name != group for kind in kinds}
            return [kind for kind in await self.audit.kinds() if kind not in others]
        return groups.get(group)

    async def lines(self, records: Iterable[Record]) -> list[Line]:
        """Return records in words, with the names that people and classes have now."""
        records = list(records)
        ids = {user_id for each in records for user_id in (each.user_id, each.subject_id) if user_id is not None}
        names = await self.accounts.names(ids)
        titles = {room.id: room.title for room in (await self.accounts.classrooms()).values()}
        kinds = {kind: told for *_, each in words.groups(self.locale.translate) for kind, told in each.items()}
        return [self._line(each, names, titles, kinds, self.reader) for each in records]

    def _line(
        self, record: Record, names: dict[int, str], titles: dict[int, str], kinds: dict[str, str], reader: Reader
    ) -> Line:
        about = record.subject_id if record.subject_id != record.user_id else None
        class_id = _class_of(record.topic) or record.detail.get("class_id")
        can_open = class_id in self.member.classes
        # A position in the topic of the class's staff is none in the class.
        target = f"#seq={record.target}" if class_id and record.target and record.topic == class_topic(class_id) else ""
        return Line(
            datetime.fromtimestamp(record.at / 1000, self.zone),
            reader.time(record.at),
            _name(record.user_id, names),
            kinds.get(record.kind, record.kind),
            _name(about, names),
            titles.get(class_id or 0, "") if class_id else "",
            f"{self.home}classes/{class_id}{target}" if can_open else "",
            told(record, reader),
        )


class AuditSheet(AuditPage):
    """What the page shows, whole, as CSV."""

    async def get(self) -> None:
        """Send all wanted records, newest first; the export itself is recorded before."""
        wanted = await self.wanted(self.chosen)
        await self.audit.catch_up()
        detail = {name: value for name, value in _as_dict(self.chosen).items() if value}
        await self.audit.record("audit:exported", self.member.user, detail=detail)
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="audit.csv"')
        try:
            self.write(BOM + csv_line(self._head()))
            async for records in self._all(wanted):
                lines = await self.lines(records)
                self.write("".join(map(self._sheet_line, records, lines)))
                await self.flush()
        except StreamClosedError:
            pass  # whoever asked has gone

    def _head(self) -> tuple[str, ...]:
        translate = self.locale.translate
        return (
            f"{translate('Time')} ({self.zone.key})",
            translate("Kind"),
            translate("Person"),
            translate("What was done"),
            translate("About whom"),
            translate("Class"),
            translate("More"),
        )

    def _sheet_line(self, record: Record, line: Line) -> str:
        at = line.at.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")  # as spreadsheets read times
        kind = words.group_of(record.kind, self.locale.translate)
        return csv_line((at, kind, line.who, line.what, line.about, line.where, line.more))

    async def _all(self, wanted: Wanted) -> AsyncIterator[list[Record]]:
        before: Place | None = None
        while records := await self.audit.find(wanted, before, SHEET_RECORDS):
            yield records
            before = records[-1].place


def _as_dict(chosen: Filter) -> dict[str, str]:
    return {"records": chosen.kind, "person": chosen.person, "since": chosen.since, "until": chosen.until}


def _name(user_id: int | None, names: dict[int, str]) -> str:
    return "" if user_id is None else names.get(user_id, f"#{user_id}")


def _class_of(topic: str | None) -> int | None:
    try:
        address = parse_name(topic or "")
    except ValueError:
        return None
    return address.number if address.kind in (CLASS, CLASS_STAFF) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise HTTPError(400, "no such day") from None


def _begins(day: date | None, zone: ZoneInfo) -> int | None:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000) if day else None
