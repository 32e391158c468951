"""Announcements that change after they were sent: corrected by their author, withdrawn by the author or a principal.

    announcement:correct {target} -> announcement:corrected in each topic that it went to, in one transaction

Each of these events governs its topic. So of two changes that come at once, in whichever of the topics, the second runs
again and finds what the first has made of the announcement.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from channels.errors import Code, Refused
from channels.event import EventType
from channels.field import Position, PushId, Text, Title
from channels.lesson.announcements import (
    CORRECTED,
    WITHDRAWN,
    Announcement,
    AnnouncementCorrected,
    AnnouncementWithdrawn,
    positions,
    read,
)
from channels.lesson.feature import Action, Append, Appended, Effect, Push, Several, not_blank
from channels.visible import is_visible

P = TypeVar("P", AnnouncementCorrected, AnnouncementWithdrawn)


class AnnouncementCorrect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace the title and the text of one's own announcement, in all topics that it went to."""

    target: Position
    text: Text
    title: Title = ""
    id: PushId | None = None


class AnnouncementWithdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Withdraw one's own announcement, or as principal anybody's, from all topics that it went to."""

    target: Position
    id: PushId | None = None


async def _correct(push: Push[AnnouncementCorrect]) -> Effect[Appended]:
    given, me = push.payload, push.member.user
    text, title = not_blank(given.text), given.title.strip() if is_visible(given.title) else ""
    announcement = await _changeable(push, given.target)
    if announcement.author.id != me.id:
        raise Refused(Code.FORBIDDEN, "only its author may correct an announcement")
    corrected = AnnouncementCorrected(given.target, title, text, me, given.id or UNSET)
    return await _everywhere(push, announcement, CORRECTED, corrected)


async def _withdraw_own(push: Push[AnnouncementWithdraw]) -> Effect[Appended]:
    return await _withdraw(push, of_anybody=False)


async def _withdraw_any(push: Push[AnnouncementWithdraw]) -> Effect[Appended]:
    return await _withdraw(push, of_anybody=True)


async def _withdraw(push: Push[AnnouncementWithdraw], *, of_anybody: bool) -> Effect[Appended]:
    given, me = push.payload, push.member.user
    announcement = await _changeable(push, given.target)
    if announcement.author.id != me.id and not of_anybody:
        raise Refused(Code.FORBIDDEN, "only its author and a principal may withdraw an announcement")
    withdrawn = AnnouncementWithdrawn(given.target, me, given.id or UNSET)
    return await _everywhere(push, announcement, WITHDRAWN, withdrawn)


async def _changeable(push: Push[Any], target: int) -> Announcement:
    # From the journal: another worker may have changed it, and memory here need not know yet.
    announcement = read(await push.journal.at(push.topic.name, target))
    if announcement.withdrawn is not UNSET:
        raise Refused(Code.FORBIDDEN, "the announcement is withdrawn")
    return announcement


async def _everywhere(push: Push[Any], announcement: Announcement, kind: EventType[P], payload: P) -> Effect[Appended]:
    first, *others = [
        Append(kind, msgspec.structs.replace(payload, target=seq), topic, about=seq)
        for topic, seq in (await positions(push, announcement)).items()
    ]
    return Several(first, tuple(others)) if others else first


CORRECT = Action("announcement:correct", AnnouncementCorrect, _correct, Appended, emits=(CORRECTED,))
WITHDRAW = Action("announcement:withdraw", AnnouncementWithdraw, _withdraw_own, Appended, emits=(WITHDRAWN,))
WITHDRAW_ANY = Action("announcement:withdraw", AnnouncementWithdraw, _withdraw_any, Appended, emits=(WITHDRAWN,))
