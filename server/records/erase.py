"""Erases a person by law from accounts, journal and audit log of a school, while it is used.

    listed -> audit log -> account -> journal, and once more what was under way -> files: log, free pages, index

The list comes first: whatever dies, a worker goes on (`Keeper`), and a restored backup is erased again. Each step can
be done twice. Running workers are told by a note in the accounts, as of changed rights: within a second they end the
person's connections, and then look in the journal for what was rewritten (`channels/lesson/erasing.py`).
"""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple, cast

import msgspec
from sqlalchemy import select

from channels.journal.rewriter import Rewriter
from channels.journal.steps import Notice
from channels.lesson.erasing import ERASED, NOBODY, PersonErased, Redaction, Way
from channels.member import User
from channels.roles import ROLES
from channels.topics.kind import ANNOUNCEMENT, CLASS, announcement_topic, parse_name, user_topic
from server.accounts.office import check_not_last
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import Databases, reading, writing
from server.databases.accounts import Account, Enrolment
from server.databases.audit import Record, add_records
from server.databases.changes import note_changes
from server.databases.erased import Former, erase_account, is_erased, redact_records, redact_waiting
from server.databases.erasures import Erasure, add_erasure, find_erasure, finish
from server.databases.holds import holds_on
from server.databases.office import lock_person
from server.databases.outbox import new_key
from server.databases.school import read_settings
from server.locale import LANGUAGES, SOURCE
from server.records.scrub import scrub

# A push fails within 5 s: after that nothing is stored that was read before the account was erased.
SETTLE_SECONDS = 6.0

_AMENDING = frozenset(event.name for role in ROLES for event in role.emitted() if event.amends is not None)
_GUARDED = "administrator"


class Erased(NamedTuple):
    """What became of a person: how they are called from now on, and in how many topics something was rewritten."""

    name: str
    topics: int


class Eraser:
    """Erases people of one school; for a command, or a worker. Raises DatabaseError where a database is away."""

    def __init__(self, databases: Databases, clock: Clock = now_ms, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._databases = databases
        self._accounts = databases.sessions("accounts")
        self._audit = databases.sessions("audit")
        self._clock = clock
        self._settle_seconds = settle_seconds

    async def begin(self, user_id: int, way: Way, by: int | None, *, here: bool = True) -> None:
        """List a person as erased; raise UserError where that may not be.

        `finish` does the rest, in this process; where not `here`, the workers are told, and one does it (`Keeper`).
        """
        async with reading(self._accounts) as db:
            account = await db.scalar(select(Account).where(Account.id == user_id))
            if account is None:
                raise UserError("There is no such person.", "gone")
            if account.id == by:
                raise UserError("This is your own account: ask another administrator.", "own")
            if account.role == _GUARDED and account.may_sign_in:
                await check_not_last(db, account)
            classes = (await db.scalars(select(Enrolment.class_id).where(Enrolment.user_id == user_id))).all()
        now = self._clock()
        async with writing(self._audit) as db:
            if await holds_on(db, user_id, classes):
                raise UserError("A legal hold on this person, or on a class of theirs, must be lifted first.", "held")
            await add_erasure(db, user_id, way, now, by, begun=here)
            record = Record(new_key(), now, "person:erased", by, user_id, detail={"way": way})
            await add_records(db, [record])
        if not here:
            async with writing(self._accounts) as db:
                await note_changes(db, (), now, school=True)

    async def finish(self, user_id: int) -> Erased:
        """Erase a person who is listed."""
        erasure = await self._listed(user_id)
        erased, former = await self._describe(erasure)
        await self._redact_records(erased, former)
        await self._erase_account(erased)
        before: dict[int, int] = {}
        topics = await self._rewrite(erased, before)
        await asyncio.sleep(self._settle_seconds)
        topics |= await self._rewrite(erased, before)
        await self._unname(erased)
        await self._redact_records(erased, former)
        await scrub(self._databases)
        self._databases.forget_statements()
        async with writing(self._audit) as db:
            await finish(db, user_id, self._clock())
        return Erased(erased.user.name, len(topics))

    async def apply_again(self, user_id: int) -> None:
        """Erase a listed person from what was restored, while no server runs."""
        erased, former = await self._describe(await self._listed(user_id))
        await self._redact_records(erased, former)
        await self._erase_account(erased)
        await self._rewrite(erased, {})
        await self._unname(erased)

    async def _listed(self, user_id: int) -> Erasure:
        async with reading(self._audit) as db:
            erasure = await find_erasure(db, user_id)
        assert erasure is not None, "an erasure is listed before it is done"
        return erasure

    async def _describe(self, erasure: Erasure) -> tuple[PersonErased, Former | None]:
        """Return what is told of a person who is erased, and how they were called, if that is still known."""
        way = cast(Way, erasure.way)
        async with reading(self._accounts) as db:
            account = await db.scalar(select(Account).where(Account.id == erasure.user_id))
            language = (await read_settings(db)).language
        role = account.role if account is not None else "student"
        user = User(NOBODY if way == "unlink" else erasure.user_id, former_name(role, language), role)
        known = account is not None and not is_erased(account)
        former = Former(account.name, account.login) if account is not None and known else None
        return PersonErased(erasure.user_id, user, way), former

    async def _erase_account(self, erased: PersonErased) -> None:
        redact = _Redact(Redaction(erased), None)
        async with writing(self._accounts) as db:
            account = await lock_person(db, erased.id, _GUARDED)
            if account is None:
                return
            if not is_erased(account):
                former = await erase_account(db, account, erased.user.name, forgets=erased.way != "keep")
                redact = _Redact(Redaction(erased), former)
            await redact_waiting(db, redact)
            await note_changes(db, [erased.id], self._clock(), school=True)

    async def _rewrite(self, erased: PersonErased, before: dict[int, int]) -> set[int]:
        """Rewrite all topics from the positions in `before`, which are then these now; return those that changed."""
        rewriter, forgets = self._rewriter(erased), erased.way != "keep"
        changed = set()
        # The classes first: what is said there is copied to the other topics, not the other way round.
        for topic in sorted(await rewriter.topics(), key=lambda each: not each.name.startswith(f"{CLASS.name}:")):
            if topic.name == user_topic(erased.id) and forgets:
                if topic.id not in before:
                    await rewriter.remove(topic)
                    changed.add(topic.id)
            elif await rewriter.rewrite(topic, before.get(topic.id, 0)):
                changed.add(topic.id)
            before[topic.id] = topic.seq
        if changed:
            async with writing(self._accounts) as db:
                await note_changes(db, [erased.id], self._clock(), school=True)
        return changed

    def _rewriter(self, erased: PersonErased) -> Rewriter:
        notice = Notice(ERASED.name, ERASED.encode(erased))
        engine = self._databases.engine("journal")
        return Rewriter(engine, _AMENDING, Redaction(erased), notice, forgets=erased.way != "keep")

    async def _unname(self, erased: PersonErased) -> None:
        """Take the number of somebody who is unlinked out of the names of topics.

        That is done last: workers compute the name from an announcement that they have in memory, and those that have
        its former author would go on under the old one.
        """
        if erased.way != "unlink":
            return
        rewriter = self._rewriter(erased)
        for topic in await rewriter.topics():
            address = parse_name(topic.name)
            if address.kind is ANNOUNCEMENT and address.number == erased.id:
                await rewriter.rename(topic, announcement_topic(NOBODY, address.part))

    async def _redact_records(self, erased: PersonErased, former: Former | None) -> None:
        redact = _Redact(Redaction(erased), former)
        after: int | None = 0
        while after is not None:
            async with writing(self._audit) as db:
                after = await redact_records(db, erased.id, former, redact, after)


@dataclass(frozen=True, slots=True)
class _Redact:
    """Rewrites a record of the audit log: who did what to whom stays, and no name or word."""

    redaction: Redaction
    former: Former | None

    def __call__(self, record: Record) -> Record:
        if record.kind == "person:erased":
            return record
        concerned = self.redaction.user_id in (record.user_id, record.subject_id)
        detail = self.redaction.detail(record.detail, concerned=concerned)
        if self.former is not None:
            detail = self.former.taken_from(detail)
        return msgspec.structs.replace(record, detail=detail)


def former_name(role: str, language: str) -> str:
    """Return how people of a role are called once they are erased, in the school's language."""
    translate = LANGUAGES.get(language, LANGUAGES[SOURCE]).locale.translate
    words = {
        "student": translate("Former pupil"),
        "teacher": translate("Former teacher"),
        "principal": translate("Former principal"),
    }
    return words.get(role, translate("Former member of staff"))
