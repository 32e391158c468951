"""What a worker sends by itself, once a second: live views of the school, and how many are in large classes."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from channels.cluster.message_rates import MessageRates
from channels.cluster.presence import Presence
from channels.errors import JournalUnavailable
from channels.event import Delivery
from channels.journal.journal import Journal
from channels.lesson.feature import LiveView
from channels.member import Classroom
from channels.pace import until_tick
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import Topic

log = logging.getLogger(__name__)

# More often is restless to look at, and the numbers of a whole school are not small.
SNAPSHOT_SECONDS = 1.0

# What views read of the journal may come a moment later than what is counted in memory: it costs queries.
REFRESH_SECONDS = 2.0

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
        now = _now()
        for view in views:
            # Those who have joined before get the changes first: they and the newcomer go on from the same version.
            self._send(view, session.member.classes, now)
        return {view.name: view.view(now) for view in views}

    def send_changed(self) -> None:
        """Send what has changed of the views to the sessions that have joined their topics."""
        self._shown = {topic: views for topic, views in self._shown.items() if topic.audience}
        for view in self._views.values():
            topics = self._topics(view)
            if topics:
                # Every user who may join such a topic sees every class, so that one view serves all.
                self._send(view, next(topics[0].sessions()).member.classes, _now())

    async def run(self, journal: Journal, seconds: float) -> None:
        """Have the views that somebody looks at read the journal, again and again."""
        while True:
            await asyncio.sleep(until_tick(seconds))
            for view in self._views.values():
                await self._refresh(view, journal)

    async def _refresh(self, view: LiveView, journal: Journal) -> None:
        if not self._topics(view):
            view.rest()
            return
        try:
            await view.refresh(journal, _now())
        except JournalUnavailable:  # which the journal has logged
            pass
        except Exception:  # the view goes on without it
            log.exception("the live view %s could not read the journal; the next try is in a moment", view.name)

    def _topics(self, view: LiveView) -> list[Topic]:
        return [topic for topic, views in self._shown.items() if view in views]

    def _send(self, view: LiveView, classes: Mapping[int, Classroom], at: int) -> None:
        payload = view.changed(classes, at)
        if payload is None:
            return
        event, fan_out = view.event, self._hub.fan_out
        is_snapshot = event.delivery is Delivery.SNAPSHOT
        send = fan_out.broadcast_snapshot if is_snapshot else fan_out.broadcast
        for topic in self._topics(view):
            send(topic, event.name, event.encode(payload))


def _now() -> int:
    return time.time_ns() // 1_000_000
