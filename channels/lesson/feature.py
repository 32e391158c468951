"""What a feature of a lesson is: the events it sends, the pushes it takes, the state it folds, and its rule.

    ACTION = Action("message:send", MessageSend, send, Appended, emits=(SENT,))
                                                 send(push: Push[MessageSend]) -> Append, an Effect[Appended]

    class Hands(Feature[list[int]]):             events in order -> apply() -> view(), in the reply to a join
                                                 rule(): which pushes the topic's state forbids

A feature does no I/O: its actions return effects, and the engine checks rights and limits before and carries the
effects out after. Features do not know each other; what one feature forbids to another's action, its rule says.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from channels.errors import Code, Refused
from channels.event import EventType, Nothing
from channels.field import Milliseconds, Position
from channels.journal.entry import Mark, Timer
from channels.journal.journal import Journal
from channels.member import Authority, Classroom, Member
from channels.topics.kind import TopicAddress
from channels.topics.topic import Topic
from channels.visible import is_visible
from channels.wire.codec import Event

P = TypeVar("P")
R = TypeVar("R")
S = TypeVar("S")


class Appended(msgspec.Struct, frozen=True):
    """The event is stored: where in its topic, and when. A retry gets what the first push got."""

    seq: Position
    at: Milliseconds


class Chosen(msgspec.Struct, frozen=True):
    """The choice is stored, about the event at `target`. A retry gets what the first push got."""

    target: Position


# What pushes do


class Effect(msgspec.Struct, Generic[R], frozen=True):
    """What the engine carries out for a push, which is then answered with an R."""


class Append(Effect[Appended], Generic[P], frozen=True):
    """Append a durable event to the push's topic, or to `topic` (its name inside, see `channels.topics.kind`).

    The payload's field `id`, where the push has one, makes a retry count once. `about`: the position of the earlier
    event of its topic that this one amends or annotates, or whose words it repeats: what amends that one changes this
    one, too. `names_first`: the payload gets `target`, the position of the push's first event, when both are stored.
    `Journal.receipt` finds the event by its `key`, which must be new in its topic; for the first effect the key of its
    action goes before. `timer` names an action of `channels.lesson.TIMED` and when to run it; `stops` is the position
    of the event in the same topic whose timer ends.
    """

    event: EventType[P]
    payload: P
    topic: str | None = None
    about: int | None = None
    names_first: bool = False
    counted: "Counted[P] | None" = None
    key: str | None = None
    timer: Timer | None = None
    stops: int | None = None


class Counted(msgspec.Struct, Generic[P], frozen=True):
    """How an event's payload is completed by the choices about the event at `target` (see `KeepChoice`).

    They are counted inside the transaction that stores the event: where the event governs, all that were stored before
    it are counted, and no later one can be stored. `forget`: afterwards nobody can tell who has chosen what.
    """

    target: int
    complete: Callable[[P, Mapping[int, int]], P]
    forget: bool = False


class Publish(Effect[Nothing], Generic[P], frozen=True):
    """Send an ephemeral event to the sessions of the push's topic, or of `topic`, on every worker."""

    event: EventType[P]
    payload: P
    topic: str | None = None


class KeepChoice(Effect[Chosen], frozen=True):
    """Store the member's choice about the event at `target` of the push's topic: one for each user and event.

    It is no event and goes to nobody. A later choice `replaces` it, or is refused with `refusal`. A short while after,
    `tell` gets how often each value was chosen so far, and what it returns is published: of many choices, a few times
    a second.
    """

    target: int
    value: int
    refusal: Refused
    tell: Callable[[Mapping[int, int]], Publish[Any]]
    replaces: bool = False


class Notify(Effect[Nothing], Generic[P], frozen=True):
    """Send an ephemeral event to all sessions of one user, on that user's own topic."""

    user_id: int
    event: EventType[P]
    payload: P


class KeepMark(Effect[Nothing], frozen=True):
    """Store how far a user has read, with the next transaction."""

    mark: Mark


class Reply(Effect[R], Generic[R], frozen=True):
    """Answer the push, and do no more."""

    response: R


class Follow(Effect[R], Generic[R], frozen=True):
    """Answer the push, and tell its client by `event` when the answer has changed: once a second at most.

    That goes on until the client leaves the topic, or the action answers it about the same `target` again. The action
    runs again when a read mark passes a position in `reads` (by names of topics) or this worker has sent it to a user,
    when one of `topics` gets an event, and every 30 s. In one topic, the same payload and `group` have the same answer
    for everybody who asks.
    """

    response: R
    event: EventType[R]
    target: int
    reads: Mapping[str, int]
    topics: tuple[str, ...] = ()
    group: str = ""


class Record(Effect[R], Generic[R], frozen=True):
    """Store in the audit log that the push's user did this `kind` of thing to the event at `target`; then answer.

    `subject_id` is the user whom it concerns. Where the log cannot be written, the push is refused.
    """

    kind: str
    target: int
    subject_id: int
    response: R


class Several(Effect[R], Generic[R], frozen=True):
    """Several effects of one push; the first decides the reply.

    Appends commit in one transaction, of which a retry repeats nothing, and the first effect is one of them. The
    other effects follow the commit.
    """

    first: Effect[R]
    others: tuple[Effect[Any], ...]


class Push(msgspec.Struct, Generic[P]):
    """A push whose right was granted: by whom, where, what, when (`at`, ms since 1970), and what an action may read.

    `is_staff`: the member's role teaches or leads. `counted` returns the names of the roles that a topic is meant for;
    `reach` the address of another topic where a member may push an event, and raises `Refused` where they may not.
    `readable` returns the names of the topics that a member may join and search.
    """

    member: Member
    is_staff: bool
    topic: Topic
    payload: P
    at: int
    journal: Journal
    authority: Authority
    counted: Callable[[TopicAddress], list[str]]
    reach: Callable[[Member, str, str], TopicAddress]
    readable: Callable[[Member], list[str]]

    def state(self, feature: "type[F]") -> "F":
        """Return a feature's own state in the push's topic; raises KeyError where the feature does not fold there."""
        state: F = self.topic.state.of(feature)
        return state


class Due(msgspec.Struct, frozen=True):
    """The payload of an action that a timer runs for the author of the event at `target`, whose rights may be gone."""

    target: Position


def id_of(push: Push[Any]) -> str | None:
    """Return the id that the client has given its push, in the field `id` of its payload; None where it has none."""
    push_id: str | None = getattr(push.payload, "id", None)
    return push_id


class Viewer(msgspec.Struct, frozen=True):
    """Who a view of a topic is for, and when (`at`, ms); `key` is the secret that the workers of the school share."""

    member: Member
    is_staff: bool
    topic: TopicAddress
    at: int
    authority: Authority
    key: str


class Action(msgspec.Struct, Generic[P, R], frozen=True):
    """One event that clients may push, the response to it, and the kinds of event that come of it.

    A `run` that reads returns an awaitable; one that does not read returns its effect at once, and the push waits for
    nothing. `stores_in` names the topic of the first event that the push appends. There a user's pushes of the same
    `key` count once: by default those of the same id. An action that a user may do once to each target makes its key of
    the target, with a space in it, which no id has; at most 64 characters. Where the reply is `Nothing`, the user is
    not told where the event is stored. `reads`: it changes nothing, so that a token that only reads may push it.
    """

    event: str
    payload: type[P]
    run: Callable[[Push[P]], Effect[R] | Awaitable[Effect[R]]]
    reply: type[R]
    emits: tuple[EventType[Any], ...] = ()
    stores_in: Callable[[Push[P]], str] = lambda push: push.topic.name
    key: Callable[[Push[P]], str | None] = id_of
    reads: bool = False


# What events add up to


class Period(msgspec.Struct, frozen=True):
    """A time in a topic for which the engine records who is there: the position of the event that began it, and when.

    `at` is in ms since 1970.
    """

    position: int
    at: int


class Feature(Generic[S]):
    """What one feature knows of one topic, folded from the topic's events.

    The fold is deterministic: it depends on the events and their order alone, so that every worker has the same state.
    Several features may fold the same kind of event. `name` is the key of the feature's view in the reply to a join;
    S is the type of what `dump` returns, for a snapshot from which `load` goes on. Raise `version` when S changes.
    `sometimes` has those of `events` that change nothing while the feature is not `awake`: loading a topic then does
    not read them. Only another kind of `events` may wake it.
    """

    __slots__ = ()

    name: ClassVar[str]
    events: ClassVar[tuple[EventType[Any], ...]]
    saved: ClassVar[Any]
    version: ClassVar[int] = 1
    sometimes: ClassVar[tuple[EventType[Any], ...]] = ()

    @property
    def awake(self) -> bool:
        """Tell whether events of the kinds in `sometimes` change the state now."""
        return True

    def apply(self, event: Event) -> None:
        """Fold one event of `events`, in order."""
        raise NotImplementedError

    @property
    def noted(self) -> int:
        """Return the position of the newest event whose delivery to each user is noted; 0: there is none."""
        return 0

    def view(self) -> Any:
        """Return what the reply to a join says of this feature, under its name; the return annotation is its type."""
        raise NotImplementedError

    def view_for(self, viewer: "Viewer") -> Any:
        """Return the view of one member, where members see different things; then its return annotation is the type."""
        return self.view()

    def dump(self) -> S:
        """Return the state, for a snapshot."""
        raise NotImplementedError

    def load(self, saved: S) -> None:
        """Take over a state that `dump` returned; called once, before the first `apply`."""
        raise NotImplementedError

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> bool | None:
        """Raise `Refused` where the topic's state forbids this push; called for each push in the topic.

        What the rule depends on must come from governing events (`EventType.governs`): those bind from their commit
        on, over all workers. Where it depends on what the push's author has done in the topic before, it returns True:
        then the author's own events bind that push in the same way.
        """

    def period(self) -> Period | None:
        """Return the period that runs, if one does: who is in the topic is recorded for it (`Journal.spells`).

        Of a topic's features one at most has periods.
        """
        return None


F = TypeVar("F", bound=Feature[Any])


class LiveView(Protocol):
    """What a topic shows that follows from who is where and what is counted, and not from the topic's events.

    `name` is its key in the state that replies to joins carry; `event` sends what changes to who has joined, and its
    delivery says how: as changes, in order, or as whole snapshots of which the newest counts.
    """

    name: str
    event: EventType[Any]

    def changed(self, classes: Mapping[int, Classroom], at: int) -> msgspec.Struct | None:
        """Return the payload of `event` now (`at`, ms since 1970), of these classes; None: nothing has changed.

        Every worker calls it once a second while somebody looks, and before each call of `view`.
        """

    def view(self, at: int) -> msgspec.Struct:
        """Return the whole as the last call of `changed` left it, so that the next changes go on from there."""

    async def refresh(self, journal: Journal, at: int) -> None:
        """Read what the view takes from the journal; called every 2 s while somebody looks.

        What it costs must depend on what has moved (`Journal.moved`). Raises `JournalUnavailable`.
        """

    def rest(self) -> None:
        """Forget what `refresh` has read; called again and again while nobody looks."""


def not_blank(text: str) -> str:
    """Return the text without white space around it; raises `Refused` (BAD_PAYLOAD) where nothing of it is seen."""
    if not is_visible(text):
        raise Refused(Code.BAD_PAYLOAD, "the text is empty")
    return text.strip()
