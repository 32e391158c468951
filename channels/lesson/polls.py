"""Polls: staff ask, each student votes once, and the result is told to all when the poll is closed.

    poll:open  -> poll:opened
    poll:vote  -> a choice in the journal -> poll:tally, to the staff's topic, a few times a second
    poll:close -> poll:closed, with the result

A vote is no event: it is one row for each poll and student, and goes to nobody. The transaction that stores
`poll:closed` counts them. The event governs, so all votes that were answered before are in the result, and none is
stored after it, on any worker.

In an anonymous poll staff get only how many have voted until it is closed: nobody can watch a student vote and see
which bar moves. The closing transaction removes from the journal who has voted what; that somebody has voted stays.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, Name, Position, PushId, TopicName
from channels.lesson.feature import (
    Action,
    Append,
    Appended,
    Chosen,
    Counted,
    Feature,
    KeepChoice,
    Notify,
    Publish,
    Push,
    Reply,
    Several,
)
from channels.limit import (
    MAX_LISTED_VOTES,
    MAX_OPEN_POLLS,
    MAX_OPTION_CHARACTERS,
    MAX_OPTIONS,
    MAX_QUESTION_CHARACTERS,
    STATE_CLOSED_POLLS,
)
from channels.member import User
from channels.topics.kind import CLASS_STAFF, USER, class_staff_topic
from channels.visible import is_visible
from channels.wire.codec import Event

YES_NO: Literal["yes/no"] = "yes/no"
# Of a poll with YES_NO: 0 is yes, 1 is no. The clients show them in their users' languages.
YES_NO_OPTIONS = 2

Question = Annotated[
    str,
    msgspec.Meta(
        max_length=MAX_QUESTION_CHARACTERS,
        description="Empty where it was asked aloud.",
        examples=["Quanto é 7 × 8?"],
    ),
]
OptionText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_OPTION_CHARACTERS, examples=["56"])]
Options = (
    Annotated[
        list[OptionText],
        msgspec.Meta(
            min_length=2,
            max_length=MAX_OPTIONS,
            description='The options\' texts; or "yes/no", where option 0 is yes and option 1 is no.',
            examples=[["54", "56", "63"]],
        ),
    ]
    | Literal["yes/no"]
)
OptionNumber = Annotated[
    int, msgspec.Meta(ge=0, lt=MAX_OPTIONS, description="The option's place, counted from 0.", examples=[1])
]
Counts = Annotated[
    list[int], msgspec.Meta(description="How many have voted for each option, in their order.", examples=[[3, 21, 2]])
]


class PollOpen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask the students of the class; without `options` the answers are yes and no.

    `anonymous`: nobody is told who has voted what, not even staff. `changeable`: a vote may be changed until the poll
    is closed.
    """

    question: Question = ""
    options: Options = YES_NO
    anonymous: bool = False
    changeable: bool = False
    id: PushId | None = None


class PollVote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Vote in the open poll at `target`: once, or anew where the poll is changeable."""

    target: Position
    option: OptionNumber
    id: PushId | None = None


class PollClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the poll at `target`, and tell the class the result."""

    target: Position
    id: PushId | None = None


class PollVotes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the poll at `target` stands, and who has voted what."""

    target: Position


class PollMine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the user has voted in the polls of the topic's state."""


class PollOpened(msgspec.Struct, frozen=True):
    """A poll is open; `target` of its votes is the position of this event."""

    question: Question
    options: Options
    anonymous: bool
    changeable: bool
    author: User
    id: PushId | UnsetType = UNSET


class PollClosed(msgspec.Struct, frozen=True):
    """The poll at `target` is closed; `tally` is its result."""

    target: Position
    tally: Counts
    author: User
    id: PushId | UnsetType = UNSET


class PollTally(msgspec.Struct, frozen=True):
    """How the open poll at `target` stands; of an anonymous one, only how many have voted."""

    target: Position
    voted: int
    tally: Counts | UnsetType = UNSET


class PollVoted(msgspec.Struct, frozen=True):
    """On this connection or another one, the user has voted in the poll at `target` of `topic`."""

    topic: TopicName
    target: Position
    option: OptionNumber


class Vote(msgspec.Struct, frozen=True):
    """Who has voted what."""

    user: Identity
    name: Name
    option: OptionNumber


class Votes(msgspec.Struct, frozen=True):
    """How many have voted; unless the poll is anonymous, also what, and who: those in the class, the first 500."""

    voted: int
    tally: Counts | UnsetType = UNSET
    votes: list[Vote] | UnsetType = UNSET


class OwnVote(msgspec.Struct, frozen=True):
    """What the user has voted in the poll at `target`."""

    target: Position
    option: OptionNumber


class OwnVotes(msgspec.Struct, frozen=True):
    """What the user has voted; closed anonymous polls are not among them."""

    votes: list[OwnVote]


class PollResult(msgspec.Struct, frozen=True):
    """The result of a poll: who has closed it, and when."""

    tally: Counts
    author: User
    at: Milliseconds


class Poll(msgspec.Struct, frozen=True):
    """A poll: `seq` is the `target` of its votes; `closed` has its result, once it is closed."""

    seq: Position
    at: Milliseconds
    question: Question
    options: Options
    anonymous: bool
    changeable: bool
    author: User
    closed: PollResult | UnsetType = UNSET

    @property
    def count(self) -> int:
        """How many options it has."""
        return YES_NO_OPTIONS if self.options == YES_NO else len(self.options)

    def tally(self, counts: Mapping[int, int]) -> list[int]:
        """Return how often each option was chosen."""
        return [counts.get(option, 0) for option in range(self.count)]


OPENED = EventType("poll:opened", PollOpened, Delivery.DURABLE, governs=True)
CLOSED = EventType("poll:closed", PollClosed, Delivery.DURABLE, governs=True)
TALLY = EventType("poll:tally", PollTally, Delivery.EPHEMERAL, (CLASS_STAFF.wire,))
VOTED = EventType("poll:voted", PollVoted, Delivery.EPHEMERAL, (USER.wire,))


# The state


class _Opened(PollOpened, frozen=True):
    seq: Position = 0
    at: Milliseconds = 0

    def as_poll(self) -> Poll:
        return Poll(self.seq, self.at, self.question, self.options, self.anonymous, self.changeable, self.author)


class _Closed(PollClosed, frozen=True):
    at: Milliseconds = 0


class Polls(Feature[list[Poll]]):
    """The open polls, and the newest of the closed ones, in the order in which they were opened."""

    __slots__ = ("_closed", "_open")

    name = "polls"
    events = (OPENED, CLOSED)
    saved = list[Poll]

    def __init__(self) -> None:
        self._open: dict[int, Poll] = {}
        self._closed: deque[Poll] = deque(maxlen=STATE_CLOSED_POLLS)

    def get(self, target: int) -> Poll | None:
        """Return the poll at a position, if it is open or was closed lately."""
        return self._open.get(target) or next((poll for poll in self._closed if poll.seq == target), None)

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._open)

    def apply(self, event: Event) -> None:
        """Fold one event."""
        if event.event == OPENED.name:
            self._add(msgspec.json.decode(event.payload, type=_Opened).as_poll())
            return
        closed = msgspec.json.decode(event.payload, type=_Closed)
        poll = self._open.pop(closed.target, None)
        if poll is not None:
            self._add(msgspec.structs.replace(poll, closed=PollResult(closed.tally, closed.author, closed.at)))

    def _add(self, poll: Poll) -> None:
        if poll.closed is UNSET:
            self._open[poll.seq] = poll
        else:
            self._closed.append(poll)

    def view(self) -> list[Poll]:
        """Return the open polls and the newest closed ones, in the order in which they were opened."""
        return sorted([*self._closed, *self._open.values()], key=lambda poll: poll.seq)

    def dump(self) -> list[Poll]:
        """Return the closed polls in the order in which they were closed, then the open ones."""
        return [*self._closed, *self._open.values()]

    def load(self, saved: list[Poll]) -> None:
        """Take over the polls of a snapshot."""
        for poll in saved:
            self._add(poll)


# What pushes do


def _open(push: Push[PollOpen]) -> Append[PollOpened]:
    given = push.payload
    if push.state(Polls).open_count >= MAX_OPEN_POLLS:
        raise Refused(Code.FORBIDDEN, f"{MAX_OPEN_POLLS} polls are open; close one first")
    question = given.question.strip() if is_visible(given.question) else ""
    options = _checked(given.options)
    me = push.member.user
    return Append(OPENED, PollOpened(question, options, given.anonymous, given.changeable, me, given.id or UNSET))


def _checked(options: Options) -> Options:
    if isinstance(options, str):
        return options
    tidy = [option.strip() for option in options]
    if not all(map(is_visible, tidy)):
        raise Refused(Code.BAD_PAYLOAD, "an option is empty")
    if len(set(tidy)) < len(tidy):
        raise Refused(Code.BAD_PAYLOAD, "two options are the same")
    return tidy


def _vote(push: Push[PollVote]) -> Several[Chosen]:
    given, topic = push.payload, push.topic
    poll = _open_poll(push, given.target)
    if given.option >= poll.count:
        raise Refused(Code.BAD_PAYLOAD, f"this poll has the options 0 to {poll.count - 1}")
    staff = class_staff_topic(topic.address.number)

    def tell(counts: Mapping[int, int]) -> Publish[PollTally]:
        return Publish(TALLY, PollTally(poll.seq, sum(counts.values()), _shown(poll, counts)), staff)

    voted = Refused(Code.FORBIDDEN, "you have voted, and votes in this poll cannot be changed")
    told = Notify(push.member.user.id, VOTED, PollVoted(topic.wire_name, poll.seq, given.option))
    return Several(KeepChoice(poll.seq, given.option, voted, tell, poll.changeable), (told,))


def _shown(poll: Poll, counts: Mapping[int, int]) -> list[int] | UnsetType:
    return UNSET if poll.anonymous else poll.tally(counts)


def _open_poll(push: Push[PollVote] | Push[PollClose], target: int) -> Poll:
    poll = push.state(Polls).get(target)
    if poll is None:
        raise Refused(Code.FORBIDDEN, "there is no open poll at this position")
    if poll.closed is not UNSET:
        raise Refused(Code.FORBIDDEN, "the poll is closed")
    return poll


def _close(push: Push[PollClose]) -> Append[PollClosed]:
    given = push.payload
    poll = _open_poll(push, given.target)
    closed = PollClosed(poll.seq, [], push.member.user, given.id or UNSET)

    def complete(payload: PollClosed, counts: Mapping[int, int]) -> PollClosed:
        return msgspec.structs.replace(payload, tally=poll.tally(counts))

    return Append(CLOSED, closed, counted=Counted(poll.seq, complete, forget=poll.anonymous))


async def _votes(push: Push[PollVotes]) -> Reply[Votes]:
    target, topic = push.payload.target, push.topic
    poll = push.state(Polls).get(target) or await _earlier(push, target)
    choices = await push.journal.choices(topic.name, target)
    if poll.anonymous:
        return Reply(Votes(len(choices)))
    voted = {user_id: option for user_id, option in choices.items() if option is not None}
    users, _ = await push.authority.audience(topic.address, push.counted(topic.address), voted)
    votes = [Vote(user.id, user.name, voted[user.id]) for user in users[:MAX_LISTED_VOTES]]
    return Reply(Votes(len(voted), poll.tally(Counter(voted.values())), votes))


async def _earlier(push: Push[PollVotes], target: int) -> Poll:
    # The state has the newest; the journal has all.
    found = await push.journal.after(push.topic.name, target - 1, 1, (OPENED.name,))
    if not found or found[0].seq != target:
        raise Refused(Code.BAD_PAYLOAD, "there is no poll at this position")
    return msgspec.json.decode(found[0].payload, type=_Opened).as_poll()


async def _mine(push: Push[PollMine]) -> Reply[OwnVotes]:
    targets = [poll.seq for poll in push.state(Polls).view()]
    chosen = await push.journal.choices_of(push.topic.name, push.member.user.id, targets) if targets else {}
    return Reply(OwnVotes([OwnVote(target, option) for target, option in chosen.items()]))


OPEN = Action("poll:open", PollOpen, _open, Appended, emits=(OPENED,))
VOTE = Action("poll:vote", PollVote, _vote, Chosen, emits=(TALLY, VOTED))
CLOSE = Action("poll:close", PollClose, _close, Appended, emits=(CLOSED,))
VOTES = Action("poll:votes", PollVotes, _votes, Votes, reads=True)
MINE = Action("poll:mine", PollMine, _mine, OwnVotes, reads=True)
