"""Judges a lesson: the fold of the whole journal against what was answered, what clients have, and what workers tell.

    rows of the journal, as they are at the end  -->  TopicState  -->  the state of each topic, for each viewer

The rules of the topic's features are asked again for each student's event, as of the events before it: what they refuse
may not stand there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import text

from channels.errors import Refused
from channels.hours import NO_SCHOOL_HOURS
from channels.lesson import chat
from channels.lesson.feature import Action, Viewer
from channels.lesson.rules import Role
from channels.lesson.state import TopicState
from channels.member import Member, User
from channels.topics.kind import TopicAddress, parse_name
from channels.wire.codec import Event, stamped
from server.asyncapi import TABLES
from server.databases import Databases
from tests.faults.lesson.actor import Actor, Answered

# What a join's view says of the moment and the school, beside the topic's events.
_OF_THE_MOMENT = {"hours": ("school", "zone", "open", "changes")}


class Row(NamedTuple):
    """One event of the journal."""

    seq: int
    event: str
    author_id: int
    push_id: str | None
    at: int
    payload: str

    @property
    def broadcast(self) -> dict[str, Any]:
        """Return the payload as clients get it."""
        return {**json.loads(self.payload), "seq": self.seq, "at": self.at}

    @property
    def as_event(self) -> Event:
        """Return the event as workers have it."""
        return Event(self.seq, self.event, stamped(self.payload.encode(), self.seq, self.at))


@dataclass
class Kept:
    """The whole journal: the events of each topic, which pushes chose what, and the secret of the school."""

    topics: dict[str, list[Row]]
    choices: dict[tuple[str, int], dict[int, int | None]]
    key: str
    found: list[str] = field(default_factory=list)

    @classmethod
    async def read(cls, urls: Mapping[str, str]) -> "Kept":
        """Read the journal."""
        databases = Databases(urls)
        async with databases.engine("journal").connect() as connection:
            events = await connection.execute(
                text(
                    "SELECT name, events.seq, event, author_id, push_id, at, payload"
                    " FROM events JOIN topics ON topics.id = topic_id ORDER BY topic_id, events.seq"
                )
            )
            topics: dict[str, list[Row]] = {}
            for name, *row in events:
                topics.setdefault(name, []).append(Row(*row))
            chosen = await connection.execute(
                text("SELECT name, target, user_id, value FROM choices JOIN topics ON topics.id = topic_id")
            )
            choices: dict[tuple[str, int], dict[int, int | None]] = {}
            for name, target, user_id, value in chosen:
                choices.setdefault((name, target), {})[user_id] = value
            key = (await connection.execute(text("SELECT key FROM journal"))).scalar_one()
        await databases.dispose()
        return cls(topics, choices, key)

    @property
    def ends(self) -> dict[str, int]:
        """Return the last position of each topic, as clients of one's own topic do not name it."""
        return {name: rows[-1].seq for name, rows in self.topics.items()}

    def rows(self, actor: Actor, topic: str) -> list[Row]:
        """Return the events of a topic as this user names it."""
        return self.topics.get(f"user:{actor.user['id']}" if topic == "user:me" else topic, [])

    # What was answered

    def lost(self, actors: Sequence[Actor]) -> Iterator[str]:
        """Return which acknowledged pushes are not stored as they were acknowledged."""
        stored = {(row.author_id, row.push_id, row.seq) for rows in self.topics.values() for row in rows}
        keyed = {row.push_id for rows in self.topics.values() for row in rows}
        for actor in actors:
            for each in actor.answered:
                if "seq" in each.response and each.push_id in keyed:
                    if (actor.user["id"], each.push_id, each.response["seq"]) not in stored:
                        yield f"{each} of {actor.login} does not stand there"
                elif each.event == "poll:vote" and not self._has_voted(actor, each):
                    yield f"{each} of {actor.login} is not counted"

    def _has_voted(self, actor: Actor, vote: Answered) -> bool:
        return any(
            target == vote.response["target"] and actor.user["id"] in chosen
            for (_, target), chosen in self.choices.items()
        )

    def doubled(self) -> Iterator[str]:
        """Return positions that are missing or there twice, and pushes that are."""
        for name, rows in self.topics.items():
            if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
                yield f"{name} has holes"
            pushes = [(row.author_id, row.push_id) for row in rows if row.push_id is not None]
            if len(pushes) != len(set(pushes)):
                yield f"{name} has a push twice"

    # What clients have

    def unlike(self, actors: Sequence[Actor]) -> Iterator[str]:
        """Return where what a client has is not what the journal has."""
        for actor in actors:
            for topic, replica in actor.replicas.items():
                rows = {row.seq: row for row in self.rows(actor, topic)}
                yield from (f"{actor.login}, {topic}: {gap}" for gap in replica.gaps)
                missing = [seq for seq in rows if seq > replica.first and seq not in replica.events]
                if missing:
                    yield f"{actor.login} lacks {missing} of {topic}"
                for seq, (event, given) in replica.events.items():
                    if (event, given) != (rows[seq].event, rows[seq].broadcast):
                        yield f"{actor.login} has {given} at {seq} of {topic}, the journal {rows[seq].broadcast}"

    def untold(self, actor: Actor, topic: str, told: Mapping[str, Any], at: int) -> Iterator[str]:
        """Return where a worker's state differs from the fold; `told` is of the reply to a join at a time."""
        address = _address(actor, topic)
        state = TopicState([feature for feature in TABLES.features if feature.name in address.kind.features])
        for row in self.rows(actor, topic):
            state.apply(row.as_event)
        view = json.loads(msgspec.json.encode(state.view(self._viewer(actor, address, at))))
        for name in view:
            if _timeless(name, told[name]) != _timeless(name, view[name]):
                yield f"{name} of {topic} is {told[name]} for {actor.login}, and {view[name]} by the journal"

    def _viewer(self, actor: Actor, address: TopicAddress, at: int) -> Viewer:
        return Viewer(_member(User(**actor.user)), actor.role.is_staff, address, at, cast(Any, _Hours()), self.key)

    # What may not stand there

    def forbidden(self) -> Iterator[str]:
        """Return the events that stand after others that forbid them."""
        for name, rows in self.topics.items():
            address = parse_name(name)
            if address.kind.name == "class":
                yield from self._forbidden(address, rows)
                yield from _unfitting(name, rows)
                yield from self._miscounted(name, rows)

    def _forbidden(self, address: TopicAddress, rows: Sequence[Row]) -> Iterator[str]:
        state = TopicState([feature for feature in TABLES.features if feature.name in address.kind.features])
        roles = {role.name: role for role in TABLES.roles}
        for row in rows:
            author = json.loads(row.payload).get("author")
            role = roles[author["role"]] if author else None
            if role is not None and not role.is_staff:
                rule = role.rule(address)
                ways = (
                    [each for each in rule.actions.values() if row.event in {e.name for e in each.emits}]
                    if rule
                    else []
                )
                refusals = [self._refusal(state, address, User(**author), row.at, each) for each in ways]
                if not ways or all(refusals):
                    yield f"{row} of {address.name} may not stand there: {refusals or 'no such right'}"
            state.apply(row.as_event)

    def _refusal(self, state: TopicState, address: TopicAddress, user: User, at: int, action: Action[Any, Any]) -> str:
        topic = SimpleNamespace(address=address, name=address.name, wire_name=address.wire_name, state=state)
        push = SimpleNamespace(
            member=_member(user),
            is_staff=False,
            topic=topic,
            at=at,
            authority=_Hours(),
            journal=SimpleNamespace(key=self.key),
        )
        try:
            state.check(cast(Any, push), action)
        except Refused as refusal:
            return str(refusal.code)
        return ""

    def _miscounted(self, name: str, rows: Sequence[Row]) -> Iterator[str]:
        opened = {row.seq: json.loads(row.payload) for row in rows if row.event == "poll:opened"}
        for row in rows:
            if row.event == "poll:closed":
                closed = json.loads(row.payload)
                chosen = list(self.choices.get((name, closed["target"]), {}).values())
                is_right = sum(closed["tally"]) == len(chosen)
                if not opened[closed["target"]]["anonymous"]:
                    is_right = closed["tally"] == [chosen.count(n) for n in range(len(closed["tally"]))]
                if not is_right:
                    yield f"the poll {closed} of {name} was closed with {chosen}"


def _unfitting(name: str, rows: Sequence[Row]) -> Iterator[str]:
    """Return the events that do not fit the one before them about the same, by their names alone."""
    hidden: set[int] = set()
    closed: set[int] = set()
    running = False
    for row in rows:
        target = json.loads(row.payload).get("target", 0)
        fits = True
        match row.event:
            case "message:edited" | "message:pinned":
                fits = target not in hidden
            case "message:hidden":
                fits = target not in hidden
                hidden.add(target)
            case "message:restored":
                fits = target in hidden
                hidden.discard(target)
            case "poll:closed":
                fits = target not in closed
                closed.add(target)
            case "lesson:started" | "lesson:ended":
                fits = running == (row.event == "lesson:ended")
                running = not running
        if not fits:
            yield f"{row} of {name} does not fit what stands before it"
    shown = [row for row in rows if row.event == chat.SENT.name and ("hidden" in row.broadcast) != (row.seq in hidden)]
    yield from (f"{row} of {name} is not as the events about it say" for row in shown)


def _actions(role: Role, address: TopicAddress, event: str) -> list[Action[Any, Any]]:
    rule = role.rule(address)
    return [each for each in rule.actions.values() if event in {kind.name for kind in each.emits}] if rule else []


class _Hours:
    hours = NO_SCHOOL_HOURS


def _member(user: User) -> Member:
    return Member(user, user.name, user.id, {})


def _address(actor: Actor, topic: str) -> TopicAddress:
    return parse_name(f"user:{actor.user['id']}" if topic == "user:me" else topic)


def _timeless(name: str, view: Any) -> Any:
    if isinstance(view, dict) and name in _OF_THE_MOMENT:
        return {key: value for key, value in view.items() if key not in _OF_THE_MOMENT[name]}
    return view
