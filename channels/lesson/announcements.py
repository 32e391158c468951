"""Announcements: what they are, what changes them later, and the newest of a topic as its state.

    announcement:send (`announcing`) -> announcement:sent in each topic that it goes to, under one `key`
    announcement:correct, announcement:withdraw (`correcting`) -> the same events of all these topics are amended
    announcement:acknowledge (`acknowledging`), announcement:progress (`progress`): one count over all topics

Announcements are events of the topic like any other. They fold into its state, so that the reply to a join carries the
newest ones, however much chat came after them. The members' read positions show who has read one (`reading`).
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Stored
from channels.field import END, Milliseconds, Position, PushId, ShownText, Title, TopicName
from channels.lesson.feature import Push
from channels.lesson.newest import Newest
from channels.limit import STATE_ANNOUNCEMENTS
from channels.member import User
from channels.wire.codec import Event, amended

Key = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[0-9a-f]{{16}}{END}",
        description="The same in every topic that the announcement went to.",
        examples=["9f86d081884c7d65"],
    ),
]


class Withdrawn(msgspec.Struct, frozen=True):
    """Who has withdrawn an announcement."""

    by: User


class AnnouncementSent(msgspec.Struct, frozen=True):
    """An announcement as it is now; its title may be empty.

    `to`: the topics that it went to, where these are several; a user gets it in each of theirs, and shows it once.
    `acknowledge`: it asks readers for `announcement:acknowledge`. After `expires_at` it is no longer of interest.
    `corrected` says when it was changed. Where `withdrawn`, there is no text.
    """

    title: Title
    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET
    key: Key | UnsetType = UNSET
    to: list[TopicName] | UnsetType = UNSET
    acknowledge: bool | UnsetType = UNSET
    urgent: bool | UnsetType = UNSET
    expires_at: Annotated[Milliseconds, msgspec.Meta(examples=[])] | UnsetType = UNSET
    corrected: Annotated[Milliseconds, msgspec.Meta(examples=[])] | UnsetType = UNSET
    withdrawn: Withdrawn | UnsetType = UNSET


class AnnouncementCorrected(msgspec.Struct, frozen=True):
    """The announcement at `target` has another title and text; both empty where it was withdrawn later."""

    target: Position
    title: Title
    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET


class AnnouncementWithdrawn(msgspec.Struct, frozen=True):
    """The announcement at `target` is withdrawn: it has neither title nor text any more."""

    target: Position
    author: User
    id: PushId | UnsetType = UNSET


# What amending events make of earlier ones


class _Corrected(AnnouncementCorrected, frozen=True):
    at: Milliseconds = 0


def _corrected(event: Stored, earlier: Stored) -> bytes | None:
    given = msgspec.json.decode(event.payload, type=_Corrected)
    return _changed(earlier, given.target, {"title": given.title, "text": given.text}, {"corrected": given.at})


def _withdrawn(event: Stored, earlier: Stored) -> bytes | None:
    given = msgspec.json.decode(event.payload, type=AnnouncementWithdrawn)
    return _changed(earlier, given.target, {"title": "", "text": ""}, {"withdrawn": Withdrawn(given.author)})


def _changed(earlier: Stored, target: int, words: dict[str, str], mark: dict[str, Any]) -> bytes | None:
    # The announcement itself, and the earlier corrections of it, which must not keep its former words.
    if earlier.event == SENT.name and earlier.seq == target:
        sent = msgspec.json.decode(earlier.payload, type=AnnouncementSent)
        return msgspec.json.encode(msgspec.structs.replace(sent, **words, **mark))
    if earlier.event == CORRECTED.name:
        correction = msgspec.json.decode(earlier.payload, type=AnnouncementCorrected)
        if correction.target == target:
            return msgspec.json.encode(msgspec.structs.replace(correction, **words))
    return None


SENT = EventType(
    "announcement:sent",
    AnnouncementSent,
    Delivery.DURABLE,
    noted=True,
    found_by=lambda sent: f"{sent.title}\n{sent.text}".strip(),
)
CORRECTED = EventType(
    "announcement:corrected", AnnouncementCorrected, Delivery.DURABLE, governs=True, amends=_corrected
)
WITHDRAWN = EventType(
    "announcement:withdrawn",
    AnnouncementWithdrawn,
    Delivery.DURABLE,
    governs=True,
    amends=_withdrawn,
    audited=True,
)


class Announcements(Newest):
    """The newest announcements of a topic as they are now."""

    __slots__ = ()

    name = "announcements"
    events = (SENT, CORRECTED, WITHDRAWN)
    kept = STATE_ANNOUNCEMENTS

    def apply(self, event: Event) -> None:
        """Keep one announcement, and drop the oldest past the bound; or change those that an event amends."""
        amend = CORRECTED.amends if event.event == CORRECTED.name else WITHDRAWN.amends
        if event.event == SENT.name or amend is None:
            super().apply(event)
            return
        for index, earlier in enumerate(self._newest):
            payload = amend(event, earlier)
            if payload is not None:
                self._newest[index] = amended(earlier, payload)

    @property
    def noted(self) -> int:
        """Return the position of the newest announcement."""
        return self._newest[-1].seq if self._newest else 0

    def find(self, seq: int) -> Event | None:
        """Return the announcement at a position, if it is one of the newest."""
        return next((event for event in self._newest if event.seq == seq), None)


class Announcement(AnnouncementSent, frozen=True):
    """An announcement with its position and time."""

    seq: Position = 0
    at: Milliseconds = 0


async def find(push: Push[Any], target: int) -> Announcement:
    """Return the announcement at a position of the push's topic; raises `Refused` where there is none."""
    event = push.state(Announcements).find(target)
    if event is None:
        event = await push.journal.at(push.topic.name, target)
    return read(event)


def read(event: Event | None) -> Announcement:
    """Return an event as the announcement that it is; raises `Refused` where it is none."""
    if event is None or event.event != SENT.name:
        raise Refused(Code.BAD_PAYLOAD, "there is no announcement at this position")
    return msgspec.json.decode(event.payload, type=Announcement)


def known_as(key: str) -> str:
    """Return the id under which an announcement is stored, if its author's client gave none.

    No client can choose it: it has a blank.
    """
    return f"announcement {key}"


async def positions(push: Push[Any], announcement: Announcement) -> dict[str, int]:
    """Return where an announcement is, by topics; the push's own, in which it was found, is the first."""
    here = push.topic.wire_name
    found = {here: announcement.seq}
    for topic in () if announcement.to is UNSET else announcement.to:
        seq = await _position(push, announcement, topic) if topic != here else None
        found |= {} if seq is None else {topic: seq}
    return found


async def _position(push: Push[Any], announcement: Announcement, topic: str) -> int | None:
    # The first topic has it under the id of the author's client, if that gave one, the others under the key.
    assert announcement.key is not UNSET
    for key in (known_as(announcement.key), announcement.id):
        receipt = None if key is UNSET else await push.journal.receipt(topic, announcement.author.id, key)
        if receipt is not None:
            return receipt.seq
    return None
