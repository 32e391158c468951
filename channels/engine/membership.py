"""Sessions in topics: how one joins a topic, leaves it or loses it, and what it is sent then.

A session's list of topics, the hub's list of sessions and presence change together here and nowhere else.
"""

from typing import TypeVar

from channels.cluster.presence import Presence
from channels.engine.presence_shown import PresenceShown
from channels.event import Delivery, EventType, Nothing
from channels.limit import MAX_LISTED_STUDENTS
from channels.sessions.session import Session, Subscription
from channels.topics.hub import Hub
from channels.topics.kind import USER
from channels.topics.topic import Topic
from channels.wire.codec import ClientMessage

P = TypeVar("P")

CLOSED = EventType(
    "phx_close",
    Nothing,
    Delivery.ORDERED,
    meaning="The join has ended: left, replaced by a newer one, or withdrawn with the right to it. Its ref is in the "
    "frame twice, as `join_ref` and `ref`.",
)


class Membership:
    """Who has joined what on this worker."""

    def __init__(self, hub: Hub, presence: Presence, shown: PresenceShown) -> None:
        self._hub = hub
        self._fan_out = hub.fan_out
        self._presence = presence
        self._shown = shown

    def enter(self, session: Session, message: ClientMessage, topic: Topic, response: object) -> None:
        """Join the topic under the message's refs, and reply; an older join of it is closed, as Phoenix does."""
        older = session.end_join(message.topic)
        if older is not None:
            self._part(session, older)
        self._fan_out.add(topic, session)
        session.subscriptions[message.topic] = Subscription(topic.name, message.join_ref)
        session.reply(message, response)
        # A repeated join (browsers send a POST again whose connection broke) is the same join: nothing to close.
        if older is not None and older.join_ref != message.join_ref:
            _send_closed(session, message.topic, older)

    def show(self, session: Session, topic: Topic, present: bool) -> None:
        """Send the session who is present, and show it to the others (unless not `present`)."""
        if topic.audience == 1:
            self._decide(session, topic)
        if present:
            self._presence.enter(topic.name, session)
            self._fan_out.schedule()
        self._shown.welcome(session, topic)

    def _decide(self, session: Session, topic: Topic) -> None:
        # Decided by the first join, for as long as anybody is in the topic: clients cannot follow a change from names
        # to counts.
        classroom = session.member.classes.get(topic.address.number)
        if classroom is not None and classroom.students <= MAX_LISTED_STUDENTS:
            self._presence.counted.discard(topic.name)
        else:
            self._presence.count_only(topic.name)

    def take_away(self, session: Session, wire_name: str) -> None:
        """End a session's join of a topic and send `phx_close`; nothing happens where there is none."""
        subscription = session.end_join(wire_name)
        if subscription is not None:
            self._part(session, subscription)
            _send_closed(session, wire_name, subscription)

    def leave_all(self, session: Session) -> None:
        """End every join of a session that is gone."""
        for subscription in session.subscriptions.values():
            self._part(session, subscription)
        session.subscriptions.clear()

    def notify(self, session: Session, event: EventType[P], payload: P) -> None:
        """Send one session an event on its user's own topic, if it has joined that."""
        subscription = session.subscriptions.get(USER.wire)
        if subscription is not None:
            body = event.encode(payload)
            session.offer(session.wire.message(subscription.join_ref, None, USER.wire, event.name, body))

    def _part(self, session: Session, subscription: Subscription) -> None:
        topic = self._hub.topics[subscription.topic]
        self._fan_out.remove(topic, session)
        self._presence.leave(topic.name, session)
        self._fan_out.schedule()


def _send_closed(session: Session, wire_name: str, subscription: Subscription) -> None:
    join_ref = subscription.join_ref
    session.offer(session.wire.message(join_ref, join_ref, wire_name, CLOSED.name, CLOSED.encode(Nothing())))
