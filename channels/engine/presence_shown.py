"""Sends sessions who is in their topics: by name, or how many where it is not to be said by name.

    join -> presence_state, then presence_diff, gathered where many come or go: by name
         -> presence_count, and again when it has changed: of a large class, or for a role from which the school
            withholds `presence_state`

When the school begins or ceases to withhold it, those of the role get the other event at once, as after a join.
"""

import asyncio
from collections.abc import Collection, Set

from channels.cluster.presence import PRESENCE_COUNT, PRESENCE_DIFF, PRESENCE_STATE, Presence
from channels.member import Authority, RoleName
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import Topic

# How long changes are gathered after some have been sent; the first one after a pause is sent at once. A class of 30
# that comes in would else cost 435 writes, each to one pupil about one other, and as many for their pages to show.
GATHER_SECONDS = 0.05


class PresenceShown:
    """What this worker's sessions are sent of presence."""

    def __init__(self, hub: Hub, presence: Presence, authority: Authority) -> None:
        self._hub = hub
        self._presence = presence
        self._authority = authority
        self._nameless: Set[RoleName] = frozenset()  # the roles that get no names, as last applied
        self._changed: set[str] = set()  # topics of which they are to get a new number
        self._gathering: asyncio.TimerHandle | None = None

    def welcome(self, session: Session, topic: Topic) -> None:
        """Send a session who is in a topic that it has joined, before the next change."""
        self._follow_the_school()
        event, payload = self._presence.welcome(topic.name)
        if event is PRESENCE_STATE and session.member.user.role in self._nameless:
            event, payload = PRESENCE_COUNT, self._presence.count(topic.name)
        join_ref, body = session.subscriptions[topic.wire_name].join_ref, event.encode(payload)
        message = session.wire.message(join_ref, None, topic.wire_name, event.name, body)
        if event is PRESENCE_COUNT:
            session.offer_snapshot(f"{topic.wire_name} {event.name}", message)
        else:
            session.offer(message)

    def send_diffs(self) -> None:
        """Send what has changed, by name, or gather more of it; called at the end of a turn."""
        if self._gathering is None and self._send_diffs():
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        self.send_diffs()

    def close(self) -> None:
        """Send nothing more."""
        if self._gathering is not None:
            self._gathering.cancel()

    def _send_diffs(self) -> bool:
        diffs = self._presence.take_diffs()
        for name, diff in diffs.items():
            topic = self._hub.topics.get(name)
            if topic is None:
                continue
            self._hub.fan_out.broadcast(topic, PRESENCE_DIFF.name, PRESENCE_DIFF.encode(diff), self._nameless)
            if self._nameless:
                self._changed.add(name)
        return bool(diffs)

    def send_counts(self) -> None:
        """Send how many are there, where that has changed; called about once a second."""
        self._follow_the_school()
        for name, count in self._presence.take_counts().items():
            if (topic := self._hub.topics.get(name)) is not None:
                self._hub.fan_out.broadcast_snapshot(topic, PRESENCE_COUNT.name, PRESENCE_COUNT.encode(count))
        changed, self._changed = self._changed, set()
        for name in changed:
            if (topic := self._hub.topics.get(name)) is not None:
                self._welcome_all(topic, self._nameless)

    def _follow_the_school(self) -> None:
        withheld = self._authority.withheld
        nameless = frozenset(role for role, events in withheld.items() if PRESENCE_STATE.name in events)
        if nameless == self._nameless:
            return
        turned, self._nameless = nameless ^ self._nameless, nameless
        for topic in self._hub.topics.values():
            if topic.address.kind.presence and topic.name not in self._presence.counted:
                self._welcome_all(topic, turned)

    def _welcome_all(self, topic: Topic, roles: Collection[RoleName]) -> None:
        for group in topic.groups.values():
            for session in group:
                if session.member.user.role in roles:
                    self.welcome(session, topic)
