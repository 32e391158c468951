"""Announcing: to one topic or several at once, now or at a time.

    announcement:send {text, to, publish_at} -> now:   announcement:sent in each topic, in one transaction
                                                later: announcement:scheduled on the author's `user:me`, with a timer
                                                       -> announcement:sent and announcement:published together

A scheduled announcement is an event of its author's topic, so that nobody else sees it. Its timer is in the database:
any worker can run it, also while the author is away. `announcement:published` and `announcement:cancelled` govern the
author's topic: whichever commits first forbids the other, and a second worker that publishes is refused.
docs/notes/announcements.md argues all of this.
"""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Amend, Delivery, EventType, Nothing, Stored
from channels.field import Milliseconds, Position, PushId, ShownText, Text, Title, TopicName
from channels.journal.entry import Timer
from channels.lesson.announced import LISTED, listed
from channels.lesson.announcements import SENT, AnnouncementSent, Key, known_as
from channels.lesson.feature import Action, Append, Appended, Due, Effect, Push, Reply, Several, not_blank
from channels.limit import MAX_PLAN_MS, MAX_PLANS, MAX_TARGETS
from channels.member import User
from channels.topics.kind import USER, Audience, user_topic
from channels.visible import is_visible

Targets = Annotated[list[TopicName], msgspec.Meta(min_length=1, max_length=MAX_TARGETS, examples=[])]
Time = Annotated[Milliseconds, msgspec.Meta(ge=0, le=2**53, examples=[])]
P = TypeVar("P")
Outcome = Literal["published", "cancelled"]


class AnnouncementSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text with or without a title, to the push's topic or to those in `to`.

    On `user:me`, `to` must be given. `publish_at`: it waits until then, at most a year, as `announcement:scheduled` on
    the author's `user:me`; the reply's position is one of that topic. In the school's quiet hours it waits for their
    end, unless it is `urgent`. `replaces` is the position of one that waits
    there, which this one takes the place of. `acknowledge`: readers are asked for `announcement:acknowledge`. After
    `expires_at` it is no longer of interest.
    """

    text: Text
    title: Title = ""
    id: PushId | None = None
    to: Targets | None = None
    acknowledge: bool = False
    urgent: bool = False
    publish_at: Time | None = None
    expires_at: Time | None = None
    replaces: Annotated[Position, msgspec.Meta(examples=[])] | None = None


class AnnouncementScheduled(msgspec.Struct, frozen=True):
    """An announcement of the user's waits until `publish_at`. With an `outcome` it does not wait any more.

    It has neither title nor text then.
    """

    title: Title
    text: ShownText
    author: User
    to: list[TopicName]
    publish_at: Milliseconds
    key: Key
    id: PushId | UnsetType = UNSET
    acknowledge: bool | UnsetType = UNSET
    urgent: bool | UnsetType = UNSET
    expires_at: Time | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET


class AnnouncementMade(msgspec.Struct, frozen=True):
    """The user has announced something by a push on this topic; under this key it is in the topics `to`."""

    to: list[TopicName]
    key: Key


class AnnouncementPublished(msgspec.Struct, frozen=True):
    """The announcement that waited at `target` has gone to those of its topics that its author may use now."""

    target: Position
    to: list[TopicName]
    key: Key


class AnnouncementCancelled(msgspec.Struct, frozen=True):
    """The announcement that waited at `target` does not go out.

    `replaced`: another one has taken its place. `rights`: at its time the author might announce to none of its topics.
    """

    target: Position
    reason: Literal["cancelled", "replaced", "rights"]
    id: PushId | UnsetType = UNSET


class AnnouncementCancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cancel one's announcement that waits at this position of `user:me`."""

    target: Position
    id: PushId | None = None


class AnnouncementPlans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for one's announcements that wait."""


class AnnouncementReach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask how many people an announcement to these topics would be meant for."""

    to: Targets


class Reach(msgspec.Struct, frozen=True):
    """How many people it is meant for, each counted once, and how many of them are signed in somewhere."""

    members: Annotated[int, msgspec.Meta(ge=0, examples=[30])]
    reachable: Annotated[int, msgspec.Meta(ge=0, examples=[28])]


class Plans(msgspec.Struct, frozen=True):
    """The user's announcements that wait, in the order in which they were written."""

    plans: list["Plan"]


class Plan(AnnouncementScheduled, frozen=True, kw_only=True):
    """An announcement that waits, with its position on `user:me`."""

    seq: Position
    at: Milliseconds


class _About(msgspec.Struct, frozen=True):
    target: Position


def _ended_as(outcome: Outcome) -> Amend:
    def amend(event: Stored, earlier: Stored) -> bytes | None:
        target = msgspec.json.decode(event.payload, type=_About).target
        if earlier.event != SCHEDULED.name or earlier.seq != target:
            return None
        scheduled = msgspec.json.decode(earlier.payload, type=AnnouncementScheduled)
        return msgspec.json.encode(msgspec.structs.replace(scheduled, title="", text="", outcome=outcome))

    return amend


MADE = EventType("announcement:made", AnnouncementMade, Delivery.DURABLE, (USER.wire,))
SCHEDULED = EventType("announcement:scheduled", AnnouncementScheduled, Delivery.DURABLE, (USER.wire,))
PUBLISHED = EventType(
    "announcement:published",
    AnnouncementPublished,
    Delivery.DURABLE,
    (USER.wire,),
    governs=True,
    amends=_ended_as("published"),
)
CANCELLED = EventType(
    "announcement:cancelled",
    AnnouncementCancelled,
    Delivery.DURABLE,
    (USER.wire,),
    governs=True,
    amends=_ended_as("cancelled"),
)


# Sending


async def _send(push: Push[AnnouncementSend]) -> Effect[Appended]:
    given = push.payload
    to = _targets(push)
    known = await _stored(push, to)
    if known is not None:
        return known
    announced = AnnouncementScheduled(
        given.title.strip() if is_visible(given.title) else "",
        not_blank(given.text),
        push.member.user,
        to,
        _publish_at(push),
        secrets.token_hex(8),
        given.id or UNSET,
        given.acknowledge or UNSET,
        given.urgent or UNSET,
        _expires_at(push),
    )
    replaced = [] if given.replaces is None else [await _replace(push, given.replaces)]
    if announced.publish_at <= push.at:
        first, *others = sent(announced)
        return Several(first, (*others, *_made(push, announced), *replaced))
    waiting = await _scheduled(push, announced, len(replaced))
    return Several(waiting, tuple(replaced)) if replaced else waiting


def _made(push: Push[AnnouncementSend], announced: AnnouncementScheduled) -> list[Append[AnnouncementMade]]:
    # Who has joined none of the topics finds the announcement again.
    is_own = push.topic.address.kind.audience is Audience.OWNER
    return [Append(MADE, AnnouncementMade(announced.to, announced.key))] if is_own else []


async def _replace(push: Push[AnnouncementSend], target: int) -> Append[AnnouncementCancelled]:
    # Checked against the topic that it governs, so that it is not published at the same time.
    if push.topic.address.kind.audience is not Audience.OWNER:
        raise Refused(Code.BAD_PAYLOAD, "replace one that waits by a push on `user:me`")
    return await _end(push, target, "replaced")


def _targets(push: Push[AnnouncementSend]) -> list[str]:
    to = push.payload.to
    if to is None and push.topic.address.kind.audience is Audience.OWNER:
        raise Refused(Code.BAD_PAYLOAD, "say in `to` which topics it goes to")
    names = [push.topic.wire_name] if to is None else list(dict.fromkeys(to))
    addresses = [push.reach(push.member, name, SEND.event) for name in names]
    if any(each.kind.audience is Audience.OWNER for each in addresses):
        raise Refused(Code.BAD_PAYLOAD, "nobody else reads your own topic")
    return names


async def _stored(push: Push[AnnouncementSend], to: Sequence[str]) -> Reply[Appended] | None:
    # A retry may come after the time until which the first push waits, and would then store it in another topic.
    author_id, push_id = push.member.user.id, push.payload.id
    if push_id is None:
        return None
    for topic in (user_topic(author_id), to[0]):
        receipt = await push.journal.receipt(topic, author_id, push_id)
        if receipt is not None:
            return Reply(Appended(receipt.seq, receipt.at))
    return None


def _publish_at(push: Push[AnnouncementSend]) -> int:
    wanted = push.payload.publish_at
    if wanted is not None and wanted > push.at + MAX_PLAN_MS:
        raise Refused(Code.BAD_PAYLOAD, "an announcement waits for a year at most")
    time = max(push.at, wanted or 0)
    quiet = None if push.payload.urgent else push.authority.hours.quiet_period(time)
    return time if quiet is None else quiet.ends


def _expires_at(push: Push[AnnouncementSend]) -> int | UnsetType:
    expires_at = push.payload.expires_at
    if expires_at is None:
        return UNSET
    if expires_at <= _publish_at(push):
        raise Refused(Code.BAD_PAYLOAD, "it would expire before it is published")
    return expires_at


def sent(announced: AnnouncementScheduled) -> list[Append[Any]]:
    """Return what announces it now, to each of its topics, in their order, and tells principals where it is."""
    several = announced.to if len(announced.to) > 1 else UNSET
    payload = AnnouncementSent(
        announced.title,
        announced.text,
        announced.author,
        announced.id,
        announced.key,
        several,
        announced.acknowledge,
        announced.urgent,
        announced.expires_at,
    )
    appends = [Append(SENT, payload, topic, key=known_as(announced.key)) for topic in announced.to]
    return [*appends, listed(announced.to[0], announced.key)]


async def _scheduled(
    push: Push[AnnouncementSend], announced: AnnouncementScheduled, replaced: int
) -> Append[AnnouncementScheduled]:
    own = user_topic(push.member.user.id)
    if len(await push.journal.timed(own)) - replaced >= MAX_PLANS:
        raise Refused(Code.FORBIDDEN, f"at most {MAX_PLANS} announcements wait at once")
    return Append(SCHEDULED, announced, own, timer=Timer(announced.publish_at, PUBLISH.event))


# What waits


async def _cancel(push: Push[AnnouncementCancel]) -> Append[AnnouncementCancelled]:
    return await _end(push, push.payload.target, "cancelled", push.payload.id)


async def _end(
    push: Push[Any], target: int, reason: Literal["cancelled", "replaced", "rights"], push_id: str | None = None
) -> Append[AnnouncementCancelled]:
    await _waiting(push, target)
    return _ending(push, CANCELLED, AnnouncementCancelled(target, reason, push_id or UNSET), target)


async def _waiting(push: Push[Any], target: int) -> AnnouncementScheduled:
    own = user_topic(push.member.user.id)
    event = await push.journal.at(own, target)
    if event is None or event.event != SCHEDULED.name:
        raise Refused(Code.BAD_PAYLOAD, "no announcement of yours waits at this position")
    scheduled = msgspec.json.decode(event.payload, type=AnnouncementScheduled)
    if scheduled.outcome is not UNSET:
        raise Refused(Code.FORBIDDEN, "this announcement does not wait any more")
    return scheduled


def _ending(push: Push[Any], kind: EventType[P], payload: P, scheduled: int) -> Append[P]:
    return Append(kind, payload, user_topic(push.member.user.id), about=scheduled, stops=scheduled)


async def _publish(push: Push[Due]) -> Effect[Any]:
    target = push.payload.target
    announced = await _waiting(push, target)
    to = [topic for topic in announced.to if _may_announce(push, topic)]
    if not to:
        return _ending(push, CANCELLED, AnnouncementCancelled(target, "rights"), target)
    ended = _ending(push, PUBLISHED, AnnouncementPublished(target, to, announced.key), target)
    first, *others = sent(msgspec.structs.replace(announced, author=push.member.user, to=to))
    return Several(first, (*others, ended))


def _may_announce(push: Push[Due], topic: str) -> bool:
    try:
        push.reach(push.member, topic, SEND.event)
    except Refused:
        return False
    return True


async def _plans(push: Push[AnnouncementPlans]) -> Reply[Plans]:
    events = await push.journal.timed(push.topic.name)
    plans = [each for each in events if each.event == SCHEDULED.name]
    return Reply(Plans([msgspec.json.decode(each.payload, type=Plan) for each in plans]))


async def _reach(push: Push[AnnouncementReach]) -> Reply[Reach]:
    addresses = [push.reach(push.member, name, SEND.event) for name in push.payload.to]
    people = await push.authority.people({each: push.counted(each) for each in addresses})
    return Reply(Reach(len(people), sum(each.is_signed_in for each in people)))


def _stores_in(push: Push[AnnouncementSend]) -> str:
    to = push.payload.to
    return push.topic.name if to is None else to[0]


SEND = Action(
    "announcement:send",
    AnnouncementSend,
    _send,
    Appended,
    emits=(SENT, LISTED, SCHEDULED, CANCELLED, PUBLISHED),
    stores_in=_stores_in,
)
# On the author's own topic, where nothing of it is announced.
SEND_TO = msgspec.structs.replace(SEND, emits=(MADE, LISTED, SCHEDULED, CANCELLED, PUBLISHED))
CANCEL = Action("announcement:cancel", AnnouncementCancel, _cancel, Appended, emits=(CANCELLED,))
PLANS = Action("announcement:plans", AnnouncementPlans, _plans, Plans, reads=True)
REACH = Action("announcement:reach", AnnouncementReach, _reach, Reach, reads=True)
PUBLISH = Action("announcement:publish", Due, _publish, Nothing, emits=(SENT, LISTED, PUBLISHED, CANCELLED))
