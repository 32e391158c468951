"""How far an announcement has come: whom it reached, who has read and acknowledged it, and reminding the others.

    announcement:progress {target} -> numbers over all topics that it went to, each person once; `names`: who is missing
                                      `live`: announcement:progressed follows when they have changed
    announcement:remind {target}   -> announcement:reminded on `user:me` of each who is missing

The author and the principal see everybody; another teacher of a class those of that class.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Position, PushId, Title, TopicName
from channels.lesson.acknowledging import ACKNOWLEDGED, stores_in_its_topic, topic_of
from channels.lesson.announcements import Announcement, find, positions
from channels.lesson.feature import Action, Append, Appended, Effect, Follow, Push, Reply, Several
from channels.lesson.reading import quiet_since
from channels.limit import MAX_LISTED_READERS, MAX_REMINDED, REMIND_MS
from channels.member import Person, User
from channels.topics.kind import ANNOUNCEMENT, USER, TopicAddress, parse_wire, user_topic

Count = Annotated[int, msgspec.Meta(ge=0, examples=[27])]
State = Literal["unreachable", "waiting", "delivered", "read", "acknowledged"]


class AnnouncementProgress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask how far an announcement has come; `names`: and who is missing.

    `live`: and be sent `announcement:progressed` when that has changed, until the topic is left or this is asked again.
    """

    target: Position
    names: bool = False
    live: bool = False


class Missing(msgspec.Struct, frozen=True):
    """A user who has not read the announcement, or not acknowledged it where it asks for that.

    `unreachable`: the user is signed in nowhere, so no device shows it. `waiting`: it waits for a device to connect.
    `delivered`: a device was sent it. `read`: the user has read it, and not acknowledged it.
    """

    user: User
    state: State


class Progress(msgspec.Struct, frozen=True):
    """Of the people whom an announcement is meant for, how many can be reached, were sent it, have read it.

    It is the one at `target`. Each counts once, however many of its topics are theirs. Who has acknowledged has read,
    who has read was sent it, and whom it was delivered to can be reached. What is read in the school's quiet hours
    counts when these end. `acknowledged` is there where the announcement asks for that. If names are asked for,
    `missing` has the first 200 by name, `done` the first 200 of the others.
    """

    target: Position
    members: Count
    reachable: Count
    delivered: Count
    read: Count
    acknowledged: Count | UnsetType = UNSET
    missing: list[Missing] | UnsetType = UNSET
    done: list[User] | UnsetType = UNSET


PROGRESSED = EventType(
    "announcement:progressed",
    Progress,
    Delivery.SNAPSHOT,
    follows=True,
    meaning="What `announcement:progress` with `live` was answered has changed; once a second at most.",
)


class AnnouncementRemind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Remind all who are missing; at most once in ten minutes for each announcement."""

    target: Position
    id: PushId | None = None


class AnnouncementReminded(msgspec.Struct, frozen=True):
    """`author` asks to read the announcement at `target` of `topic`, or to acknowledge it where it asks for that.

    On the announcement's own topic: `people` were reminded of it.
    """

    topic: TopicName
    target: Position
    title: Title
    author: User
    people: Count | UnsetType = UNSET
    id: PushId | UnsetType = UNSET


REMINDED = EventType("announcement:reminded", AnnouncementReminded, Delivery.DURABLE, (USER.wire, ANNOUNCEMENT.wire))


class _Found(msgspec.Struct):
    """Who is meant, where the announcement is for each topic, and who has done what."""

    people: list[Person]
    positions: Mapping[str, int]
    delivered: set[int]
    read: set[int]
    acknowledged: set[int]
    asks: bool

    def state(self, person: Person) -> State:
        """Return how far it has come with a person."""
        if person.user.id in self.acknowledged:
            return "acknowledged"
        if person.user.id in self.read:
            return "read"
        if person.user.id in self.delivered:
            return "delivered"
        return "waiting" if person.is_signed_in else "unreachable"

    def is_missing(self, person: Person) -> bool:
        """Tell whether a person still has to do something."""
        return person.user.id not in (self.acknowledged if self.asks else self.read)


async def _progress_own(push: Push[AnnouncementProgress]) -> Effect[Progress]:
    announcement = await find(push, push.payload.target)
    return await _progress(push, announcement, is_full=announcement.author.id == push.member.user.id)


async def _progress_any(push: Push[AnnouncementProgress]) -> Effect[Progress]:
    return await _progress(push, await find(push, push.payload.target), is_full=True)


async def _progress(push: Push[AnnouncementProgress], announcement: Announcement, *, is_full: bool) -> Effect[Progress]:
    found = await _look(push, announcement, is_full=is_full)
    states = [found.state(each) for each in found.people]
    acknowledged = states.count("acknowledged")
    read = acknowledged + states.count("read")
    delivered = read + states.count("delivered")
    reachable = delivered + states.count("waiting")
    target = push.payload.target
    counted = Progress(target, len(states), reachable, delivered, read, acknowledged if found.asks else UNSET)
    answer = _with_names(counted, found) if push.payload.names else counted
    if not push.payload.live:
        return Reply(answer)
    acknowledgements = (topic_of(announcement),) if found.asks else ()
    group = "all" if is_full else "here"
    return Follow(answer, PROGRESSED, target, found.positions, acknowledgements, group)


def _with_names(counted: Progress, found: _Found) -> Progress:
    missing = [Missing(each.user, found.state(each)) for each in found.people if found.is_missing(each)]
    done = [each.user for each in found.people if not found.is_missing(each)]
    return msgspec.structs.replace(counted, missing=missing[:MAX_LISTED_READERS], done=done[:MAX_LISTED_READERS])


async def _look(push: Push[Any], announcement: Announcement, *, is_full: bool) -> _Found:
    places = await positions(push, announcement) if is_full else {push.topic.wire_name: announcement.seq}
    people = await push.authority.people({_address(topic): push.counted(_address(topic)) for topic in places})
    asks = announcement.acknowledge is not UNSET
    acknowledged = await push.journal.authors(topic_of(announcement), ACKNOWLEDGED.name) if asks else set()
    read, delivered = await push.journal.marked(places, quiet_since(push))
    return _Found(people, places, delivered, read | acknowledged, acknowledged, asks)


def _address(topic: str) -> TopicAddress:
    address = parse_wire(topic, 0)
    assert address is not None
    return address


# Reminding


async def _remind_own(push: Push[AnnouncementRemind]) -> Effect[Appended]:
    announcement = await find(push, push.payload.target)
    if announcement.author.id != push.member.user.id:
        raise Refused(Code.FORBIDDEN, "only its author and a principal may remind of an announcement")
    return await _remind(push, announcement)


async def _remind_any(push: Push[AnnouncementRemind]) -> Effect[Appended]:
    return await _remind(push, await find(push, push.payload.target))


async def _remind(push: Push[AnnouncementRemind], announcement: Announcement) -> Effect[Appended]:
    if announcement.withdrawn is not UNSET or (announcement.expires_at or push.at) < push.at:
        raise Refused(Code.FORBIDDEN, "the announcement is over")
    topic = topic_of(announcement)
    await _check_rate(push, topic)
    found = await _look(push, announcement, is_full=True)
    missing = [each for each in found.people if found.is_missing(each)][:MAX_REMINDED]
    given, here, me = push.payload, push.topic.wire_name, push.member.user
    record = AnnouncementReminded(here, given.target, announcement.title, me, len(missing), given.id or UNSET)
    reminders = [_reminder(record, found.positions, each) for each in missing]
    return Several(Append(REMINDED, record, topic), tuple(reminders))


def _reminder(record: AnnouncementReminded, positions: Mapping[str, int], to: Person) -> Append[AnnouncementReminded]:
    # Each is told where it is in a topic of their own.
    told = AnnouncementReminded(to.topic, positions[to.topic], record.title, record.author)
    return Append(REMINDED, told, user_topic(to.user.id))


async def _check_rate(push: Push[AnnouncementRemind], topic: str) -> None:
    last = await push.journal.before(topic, None, 1, [REMINDED.name])
    wait = _at(last[0].payload) + REMIND_MS - push.at if last else 0
    if wait > 0:
        raise Refused(Code.TOO_FAST, "they were reminded only a moment ago", wait)


class _Stamped(msgspec.Struct):
    at: int


def _at(payload: bytes) -> int:
    return msgspec.json.decode(payload, type=_Stamped).at


PROGRESS = Action(
    "announcement:progress",
    AnnouncementProgress,
    _progress_own,
    Progress,
    emits=(PROGRESSED,),
    reads=True,
)
PROGRESS_ANY = msgspec.structs.replace(PROGRESS, run=_progress_any)
REMIND = Action(
    "announcement:remind",
    AnnouncementRemind,
    _remind_own,
    Appended,
    emits=(REMINDED,),
    stores_in=stores_in_its_topic,
)
REMIND_ANY = msgspec.structs.replace(REMIND, run=_remind_any)
