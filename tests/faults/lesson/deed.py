"""What users push: any action of their role that stores something, as the tables say, about what they have seen.

A new action is pushed without a line here, with the example of the protocol's document as its payload.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from channels.lesson.feature import Action
from channels.lesson.rules import Role
from tests.channels.rights import examples

# The kinds of event that pushes are about, by the noun of the push; a message, where it is not named here.
_ABOUT = defaultdict(
    lambda: "message:sent",
    announcement="announcement:sent",
    attendance="lesson:started",
    flag="message:flagged",
    note="note:sent",
    poll="poll:opened",
)
# Students talk more than they do all else; or each message would be about to be pinned, flagged and hidden.
_USUAL = {"message:send": 8, "poll:vote": 4, "chat:unlock": 3, "lesson:start": 2, "hand:raise": 2}
# What would leave nothing to do for the rest of a short lesson is done less often.
_MODES = (None, "always", "always", "lesson")
_SLOW_SECONDS = (0, 0, 1)
_PUBLISHED_AFTER_MS = 1_500


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


def payload(
    deed: Deed, push_id: str, choose: random.Random, seen: Sequence[tuple[int, str]], users: Sequence[int], topic: str
) -> dict[str, Any]:
    """Return a payload: `seen` has the positions and kinds of the events in that topic, `users` those of the class."""
    found = dict(examples()[deed.action.event], id=push_id)
    varied = dict(_varied(deed, choose, topic))
    if deed.action.event == "message:send":
        varied["text"] = f"Disse {push_id}."
        if choose.random() < 0.6 or not seen:
            del found["reply_to"], found["mentions"]
    target, user = _target(deed, choose, seen), choose.choice(users)
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
                    yield "publish_at", time.time_ns() // 1_000_000 + _PUBLISHED_AFTER_MS


def _target(deed: Deed, choose: random.Random, seen: Sequence[tuple[int, str]]) -> int:
    kind = _ABOUT[deed.action.event.partition(":")[0]]
    return choose.choice([seq for seq, event in seen if event == kind] or [0])
