"""What a worker sends by itself, once a second: live views of the school, and how many are in large classes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from channels.cluster.message_rates import MessageRates
from channels.cluster.presence import PRESENCE_COUNT, Presence
from channels.lesson.feature import LiveView
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import Topic

# More often is restless to look at, and the numbers of a whole school are not small.
SNAPSHOT_SECONDS = 1.0

MakeLiveView = Callable[[Presence, MessageRates], LiveView]


class LiveViews:
    """The live views of one worker, each in the topics whose kind names it."""

    def __init__(self, hub: Hub, presence: Presence, rates: MessageRates, makers: Iterable[MakeLiveView]) -> None:
        self._hub = hub
        self._presence = presence
        views = [make(presence, rates) for make in makers]
        self._views: Mapping[str, LiveView] = {view.name: view for view in views}
        self._shown: dict[Topic, Sequence[LiveView]] = {}  # topics that were joined and show some

    def state(self, topic: Topic, session: Session) -> dict[str, object]:
        """Return what these views add to the state in the reply to a session's join."""
        views = [self._views[name] for name in topic.address.kind.features if name in self._views]
        if views:
            self._shown[topic] = views
        return {view.name: view.view(session.member.classes, _now()) for view in views}

    def send_changed(self) -> None:
        """Send the views that have changed to the sessions that have joined their topics."""
        self._shown = {topic: views for topic, views in self._shown.items() if topic.audience}
        for view in self._views.values():
            topics = [topic for topic, views in self._shown.items() if view in views]
            if topics:
                self._send(view, topics)

    def _send(self, view: LiveView, topics: Sequence[Topic]) -> None:
        # Every user who may join such a topic sees every class, so that one view serves all.
        classes = next(topics[0].sessions()).member.classes
        payload = view.changed(classes, _now())
        if payload is not None:
            for topic in topics:
                self._hub.fan_out.broadcast_snapshot(topic, view.event.name, view.event.encode(payload))

    def send_counts(self) -> None:
        """Send how many are in a class that is too large to name them, where that has changed."""
        for name, counts in self._presence.take_counts().items():
            topic = self._hub.topics.get(name)
            if topic is not None:
                self._hub.fan_out.broadcast_snapshot(topic, PRESENCE_COUNT.name, PRESENCE_COUNT.encode(counts))


def _now() -> int:
    return time.time_ns() // 1_000_000
