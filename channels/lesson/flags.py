"""Flags: what members report of a message to the staff of the class, and of a teacher's message to principals alone.

    message:flag  -> message:flagged in class:<id>:staff or `principals`, with a copy of the text as it was
                     message:flagged in the reporter's own topic, without the text
    flag:see      -> flag:seen, flag:closed in both: the flag says from then on that it was seen, or closed
    flag:close

Of a flag on a student's message principals learn in which class it waits (`flag:opened`, `flag:settled`).

The copy outlives edits and hiding. A flag leaves nothing in the topic of the class, not even a position, and the reply
has the position in the reporter's own topic: those of the others would count the flags that the reporter may not see.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Stored
from channels.field import Milliseconds, Position, PushId, Remark, ShownText, TopicName
from channels.lesson import amending, chat
from channels.lesson.feature import Action, Append, Appended, Effect, Feature, Push, Several, not_blank
from channels.limit import MAX_FLAGS_PER_HOUR, MAX_REASON_CHARACTERS, STATE_FLAGS
from channels.member import STUDENT, User
from channels.topics.kind import CLASS_STAFF, PRINCIPALS, USER, class_staff_topic, user_topic
from channels.visible import is_visible
from channels.wire.codec import Broadcast, Event, amended, as_broadcast

P = TypeVar("P")

HOUR_MS = 3_600_000

# What pages offer; another client may have reasons of its own. `worry`: the reporter is worried about somebody.
REASONS = ("insult", "bullying", "threat", "sexual", "worry", "spam", "other")

FlagReason = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_REASON_CHARACTERS,
        description=f"One of {', '.join(REASONS)}, which pages show in the reader's language; or in other words.",
        examples=["insult"],
    ),
]


class MessageFlag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Report a message of somebody else; a user's flags of one message count once."""

    target: Position
    reason: FlagReason
    note: Remark | None = None
    id: PushId | None = None


class FlagSee(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tell the reporter that the flag at this position was seen."""

    target: Position
    id: PushId | None = None


class FlagClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the flag at this position; `outcome` says, for the staff, what was done."""

    target: Position
    outcome: Remark
    id: PushId | None = None


class MessageFlagged(msgspec.Struct, frozen=True):
    """`author` reports the message at `target` of `topic`, which `user` wrote; `text` is the message as it was then.

    In the reporter's own topic it is without the text. `seen` and `closed` say since when it is so.
    """

    target: Position
    topic: TopicName
    reason: FlagReason
    user: User
    author: User
    text: ShownText | UnsetType = UNSET
    note: Remark | UnsetType = UNSET
    id: PushId | UnsetType = UNSET
    seen: Milliseconds | UnsetType = UNSET
    closed: Milliseconds | UnsetType = UNSET
    outcome: Remark | UnsetType = UNSET


class FlagSeen(msgspec.Struct, frozen=True):
    """The flag at the position `target` of this topic, on a message of the class `topic`, was seen by `author`."""

    target: Position
    topic: TopicName
    author: User
    id: PushId | UnsetType = UNSET


class FlagClosed(msgspec.Struct, frozen=True):
    """The flag at the position `target` of this topic, on a message of the class `topic`, is closed.

    The reporter's own topic does not say the outcome.
    """

    target: Position
    topic: TopicName
    author: User
    outcome: Remark | UnsetType = UNSET
    id: PushId | UnsetType = UNSET


class FlagOpened(msgspec.Struct, frozen=True):
    """A flag on a student's message waits for the staff of the class `topic`."""

    topic: TopicName


class FlagSettled(msgspec.Struct, frozen=True):
    """The staff of the class `topic` has closed a flag."""

    topic: TopicName


class FlaggedClass(msgspec.Struct, frozen=True):
    """A class in which flags wait for its staff: how many, and since when there are any."""

    topic: TopicName
    count: Annotated[int, msgspec.Meta(ge=1, examples=[2])]
    since: Milliseconds


class OpenFlags(msgspec.Struct, frozen=True):
    """The open flags, oldest first, and how many there are beyond those listed."""

    open: list[Broadcast]
    more: Annotated[int, msgspec.Meta(ge=0, examples=[0])]


class _Message(msgspec.Struct, frozen=True):
    text: ShownText
    author: User
    hidden: chat.Hidden | UnsetType = UNSET


class _At(msgspec.Struct, frozen=True):
    at: Milliseconds


class _Handled(msgspec.Struct, frozen=True):
    target: Position
    at: Milliseconds
    outcome: Remark | UnsetType = UNSET


class _Moved(msgspec.Struct, frozen=True):
    topic: TopicName
    at: Milliseconds


# What became of a flag is told in the flag itself


def _seen(event: Stored, earlier: Stored) -> bytes | None:
    handled = msgspec.json.decode(event.payload, type=_Handled)
    return _changed(earlier, handled.target, seen=handled.at)


def _closed(event: Stored, earlier: Stored) -> bytes | None:
    handled = msgspec.json.decode(event.payload, type=_Handled)
    return _changed(earlier, handled.target, closed=handled.at, outcome=handled.outcome)


def _changed(earlier: Stored, target: int, **changes: object) -> bytes | None:
    if earlier.seq != target or earlier.event != FLAGGED.name:
        return None
    flagged = msgspec.json.decode(earlier.payload, type=MessageFlagged)
    return msgspec.json.encode(msgspec.structs.replace(flagged, **changes))


_TOPICS = (CLASS_STAFF.wire, PRINCIPALS.wire, USER.wire)

FLAGGED = EventType("message:flagged", MessageFlagged, Delivery.DURABLE, _TOPICS)
SEEN = EventType("flag:seen", FlagSeen, Delivery.DURABLE, _TOPICS, governs=True, amends=_seen)
CLOSED = EventType("flag:closed", FlagClosed, Delivery.DURABLE, _TOPICS, governs=True, amends=_closed, audited=True)
OPENED = EventType("flag:opened", FlagOpened, Delivery.DURABLE, (PRINCIPALS.wire,))
SETTLED = EventType("flag:settled", FlagSettled, Delivery.DURABLE, (PRINCIPALS.wire,))


# What pushes do


async def _flag(push: Push[MessageFlag]) -> Effect[Appended]:
    given, me = push.payload, push.member.user
    reason = not_blank(given.reason)
    message = await _message(push)
    if message.author.id == me.id:
        raise Refused(Code.FORBIDDEN, "the message is your own")
    await _check_rate(push)
    note = given.note.strip() if given.note and is_visible(given.note) else UNSET
    mine = MessageFlagged(
        given.target, push.topic.wire_name, reason, message.author, me, note=note, id=given.id or UNSET
    )
    theirs = msgspec.structs.replace(mine, text=message.text, id=UNSET)
    return Several(Append(FLAGGED, mine, user_topic(me.id)), _to_staff(push, theirs))


def _to_staff(push: Push[Any], flagged: MessageFlagged) -> tuple[Append[Any], ...]:
    # Staff read the topic of their class; a flag on a message of their own must not be there.
    if flagged.user.role != STUDENT:
        return (Append(FLAGGED, flagged, PRINCIPALS.wire),)
    staff = class_staff_topic(push.topic.address.number)
    return (Append(FLAGGED, flagged, staff), Append(OPENED, FlagOpened(flagged.topic), PRINCIPALS.wire))


async def _message(push: Push[MessageFlag]) -> _Message:
    """Return the message with its text, also where its author has deleted it since."""
    topic, target = push.topic.name, push.payload.target
    event = await push.journal.at(topic, target)
    if event is None or event.event != chat.SENT.name:
        raise Refused(Code.BAD_PAYLOAD, "there is no message at this position")
    message = msgspec.json.decode(event.payload, type=_Message)
    if message.hidden is UNSET:
        return message
    (hiding,) = await push.journal.about(topic, target, [amending.HIDDEN.name], 1)
    former = await push.journal.version(topic, target, hiding.seq)
    if message.hidden.by.id != message.author.id or former is None:
        raise Refused(Code.FORBIDDEN, "the message is hidden")
    return msgspec.json.decode(former, type=_Message)


async def _check_rate(push: Push[MessageFlag]) -> None:
    flagged = await push.journal.before(_own_topic(push), None, MAX_FLAGS_PER_HOUR, [FLAGGED.name])
    if len(flagged) < MAX_FLAGS_PER_HOUR:
        return
    wait = msgspec.json.decode(flagged[0].payload, type=_At).at + HOUR_MS - push.at
    if wait > 0:
        raise Refused(Code.TOO_FAST, "you have reported many messages; staff looks at these first", retry_after=wait)


def _own_topic(push: Push[MessageFlag]) -> str:
    return user_topic(push.member.user.id)


def _key(topic: str, target: int) -> str:
    return f"flag {topic} {target}"


async def _see(push: Push[FlagSee]) -> Effect[Appended]:
    given = push.payload
    flagged = await _find(push, given.target)
    if flagged.seen is not UNSET or flagged.closed is not UNSET:
        raise Refused(Code.FORBIDDEN, "the flag was seen before")
    seen = FlagSeen(given.target, flagged.topic, push.member.user, given.id or UNSET)
    return await _in_both(push, SEEN, seen, flagged)


async def _close(push: Push[FlagClose]) -> Effect[Appended]:
    given = push.payload
    flagged = await _find(push, given.target)
    if flagged.closed is not UNSET:
        raise Refused(Code.FORBIDDEN, "the flag is closed already")
    closed = FlagClosed(given.target, flagged.topic, push.member.user, given.outcome.strip(), given.id or UNSET)
    done = await _in_both(push, CLOSED, closed, flagged)
    if push.topic.address.kind is PRINCIPALS:
        return done
    return Several(done.first, (*done.others, Append(SETTLED, FlagSettled(flagged.topic), PRINCIPALS.wire)))


async def _find(push: Push[Any], target: int) -> MessageFlagged:
    event = await push.journal.at(push.topic.name, target)
    if event is None or event.event != FLAGGED.name:
        raise Refused(Code.BAD_PAYLOAD, "there is no flag at this position")
    return msgspec.json.decode(event.payload, type=MessageFlagged)


async def _in_both(push: Push[Any], kind: EventType[P], payload: P, flagged: MessageFlagged) -> Several[Appended]:
    """Append the event here and, about the reporter's own flag, there."""
    here = Append(kind, payload, about=push.payload.target)
    reporter_id, topic = flagged.author.id, user_topic(flagged.author.id)
    receipt = await push.journal.receipt(topic, reporter_id, _key(flagged.topic, flagged.target))
    if receipt is None:  # is not kept any more
        return Several(here, ())
    theirs = _without_outcome(payload, receipt.seq)
    return Several(here, (Append(kind, theirs, topic, about=receipt.seq),))


def _without_outcome(payload: P, target: int) -> P:
    shown = msgspec.structs.replace(payload, target=target, id=UNSET)  # type: ignore[type-var]
    return msgspec.structs.replace(shown, outcome=UNSET) if isinstance(shown, FlagClosed) else shown


FLAG = Action(
    "message:flag",
    MessageFlag,
    _flag,
    Appended,
    emits=(FLAGGED, OPENED),
    stores_in=_own_topic,
    key=lambda push: _key(push.topic.name, push.payload.target),
)
SEE = Action("flag:see", FlagSee, _see, Appended, emits=(SEEN,))
CLOSE = Action("flag:close", FlagClose, _close, Appended, emits=(CLOSED, SETTLED))


# What they add up to


class _Saved(msgspec.Struct, frozen=True):
    listed: list[Event]
    more: int


class Flags(Feature[_Saved]):
    """The open flags, oldest first; of those past the bound, how many."""

    __slots__ = ("_listed", "_more")

    name = "flags"
    events = (FLAGGED, SEEN, CLOSED)
    saved = _Saved

    def __init__(self) -> None:
        self._listed: dict[int, Event] = {}
        self._more = 0

    def apply(self, event: Event) -> None:
        """Fold one event."""
        if event.event == FLAGGED.name:
            self._add(event)
            return
        target = msgspec.json.decode(event.payload, type=_Handled).target
        if event.event == SEEN.name:
            self._see(event, target)
        elif self._listed.pop(target, None) is None:
            self._more -= 1

    def _add(self, event: Event) -> None:
        # Behind others that are not listed, it is not listed either: the list is the oldest ones.
        if self._more or len(self._listed) >= STATE_FLAGS:
            self._more += 1
        else:
            self._listed[event.seq] = event

    def _see(self, event: Event, target: int) -> None:
        flag = self._listed.get(target)
        payload = _seen(event, flag) if flag is not None else None
        if flag is not None and payload is not None:
            self._listed[target] = amended(flag, payload)

    def view(self) -> OpenFlags:
        """Return the open flags."""
        return OpenFlags([as_broadcast(event) for event in self._listed.values()], self._more)

    def dump(self) -> _Saved:
        """Return the state, for a snapshot."""
        return _Saved([*self._listed.values()], self._more)

    def load(self, saved: _Saved) -> None:
        """Take over the state of a snapshot."""
        self._listed = {event.seq: event for event in saved.listed}
        self._more = saved.more


class FlaggedClasses(Feature[list[FlaggedClass]]):
    """The classes in which flags wait for the staff, the one that waits longest first."""

    __slots__ = ("_classes",)

    name = "flagged_classes"
    events = (OPENED, SETTLED)
    saved = list[FlaggedClass]

    def __init__(self) -> None:
        self._classes: dict[str, FlaggedClass] = {}  # as many as the school has, at most

    def apply(self, event: Event) -> None:
        """Fold one event."""
        moved = msgspec.json.decode(event.payload, type=_Moved)
        known = self._classes.get(moved.topic, FlaggedClass(moved.topic, 0, moved.at))
        count = known.count + (1 if event.event == OPENED.name else -1)
        if count > 0:
            self._classes[moved.topic] = msgspec.structs.replace(known, count=count)
        else:
            self._classes.pop(moved.topic, None)

    def view(self) -> list[FlaggedClass]:
        """Return the classes."""
        return [*self._classes.values()]

    def dump(self) -> list[FlaggedClass]:
        """Return the state, for a snapshot."""
        return self.view()

    def load(self, saved: list[FlaggedClass]) -> None:
        """Take over the state of a snapshot."""
        self._classes = {each.topic: each for each in saved}
