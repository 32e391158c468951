"""What users push: any action of their role that stores something, as the tables say, about what they have seen.

A new action is pushed without a line here, with the example of the protocol's document as its payload.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from channels.lesson import notes
from channels.lesson.feature import Action
from channels.lesson.rules import Role
from tests.channels.rights import examples

Given = Mapping[str, Any]
Seen = Mapping[int, tuple[str, Given]]  # a client's events by their positions: the kind, and the payload as it is now

# The kinds of event that pushes are about, by the push or its noun; a message, where neither is named here.
_ABOUT = {
    "announcement": "announcement:sent",
    "announcement:cancel": "announcement:scheduled",
    "attendance": "lesson:started",
    "flag": "message:flagged",
    "message:unpin": "message:pinned",
    "note": "note:sent",
    "poll": "poll:opened",
}
# Which of these events a push can still do something to.
_OPEN: dict[str, Callable[[Given], bool]] = {
    "announcement:cancel": lambda scheduled: "outcome" not in scheduled,
    "message:restore": lambda sent: "hidden" in sent,
    "note:close": lambda note: bool(note["author"] == note["user"]),
}
# The kinds of event whose `user` some pushes mean.
_WHOM = {"hand:call": "hand:raised", "member:unmute": "member:muted"}
# Every other push is about one of so many newest events of its kind: older ones are often closed, answered or over.
_NEWEST = 2
# Students talk more than they do all else; or each message would be about to be pinned, flagged and hidden.
_USUAL = {"message:send": 8, "poll:vote": 4, "chat:unlock": 3, "lesson:start": 2, "hand:raise": 2}
# What would leave nothing to do for the rest of a short lesson is done less often.
_MODES = (None, "always", "always", "lesson")
_SLOW_SECONDS = (0, 0, 1)
# Soon, so that timers run; or after the lesson, so that there is something to cancel.
_PUBLISHED_AFTER_MS = (1_500, 600_000)


class Deed(NamedTuple):
    """One push that a role may make in a kind of topic."""

    topic: str  # as the role's table names it: a kind, or a topic of its own
    action: Action[Any, Any]


def deeds(role: Role) -> list[Deed]:
    """Return the pushes of a role that store something: their payload has an id, and some kind of event comes of it."""
    return [
        Deed(topic, action)
        for topic, rule in role.topics.items()
        for action in rule.actions.values()
        if "id" in examples()[action.event] and action.emits
        for _ in range(_USUAL.get(action.event, 1))
    ]


def place(deed: Deed, topic: str) -> str:
    """Return the topic that has the events which a push in this topic is about."""
    if deed.action.event == "member:unmute":
        return f"{topic}:staff"
    return topic.removesuffix(":staff") if deed.action.event.startswith("attendance:") else topic


def payload(
    deed: Deed, push_id: str, choose: random.Random, seen: Seen, users: Sequence[int], topic: str
) -> dict[str, Any]:
    """Return a payload: `seen` has the events in `place` by their positions, `users` those of the class."""
    found = dict(examples()[deed.action.event], id=push_id)
    varied = dict(_varied(deed, choose, topic))
    if deed.action.event == "message:send":
        varied["text"] = f"Disse {push_id}."
        if choose.random() < 0.6 or not seen:
            del found["reply_to"], found["mentions"]
    if deed.action is notes.SEND:
        del found["user"]  # a student writes to the staff
    target, user = _target(deed, choose, seen), _user(deed, choose, seen) or choose.choice(users)
    about: dict[str, Any] = {"target": target, "reply_to": target, "user": user, "mentions": [user]}
    return found | {name: value for name, value in about.items() if name in found} | varied


def _varied(deed: Deed, choose: random.Random, topic: str) -> Iterator[tuple[str, Any]]:
    match deed.action.event:
        case "chat:hours":
            yield "mode", choose.choice(_MODES)
        case "chat:slow":
            yield "seconds", choose.choice(_SLOW_SECONDS)
        case "poll:vote":
            yield "option", choose.randrange(3)
        case "announcement:send":
            yield "acknowledge", True
            if deed.topic == "user:me":
                yield "to", [topic]
                if choose.random() < 0.5:
                    yield "publish_at", time.time_ns() // 1_000_000 + choose.choice(_PUBLISHED_AFTER_MS)


def _target(deed: Deed, choose: random.Random, seen: Seen) -> int:
    event = deed.action.event
    kind = _ABOUT.get(event) or _ABOUT.get(event.partition(":")[0], "message:sent")
    is_open = _OPEN.get(event)
    found = [seq for seq, (name, given) in seen.items() if name == kind and (is_open is None or is_open(given))] or [0]
    target = choose.choice(found[-_NEWEST:] if choose.random() < 0.5 else found)
    return int(seen[target][1]["target"]) if target and kind == "message:pinned" else target


def _user(deed: Deed, choose: random.Random, seen: Seen) -> int:
    found = [int(given["user"]) for name, given in seen.values() if name == _WHOM.get(deed.action.event)]
    return choose.choice(found[-_NEWEST:]) if found else 0
