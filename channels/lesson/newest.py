"""A feature whose state is the newest events of its topic, for the reply to a join.

    apply(event), event after event -> the last `kept` of them -> view: oldest first

A feature that amends some of them overrides `apply`.
"""

from collections import deque
from typing import ClassVar

from channels.lesson.feature import Feature
from channels.wire.codec import Broadcast, Event, as_broadcast


class Newest(Feature[list[Event]]):
    """The newest events of some kinds, `kept` at most."""

    __slots__ = ("_newest",)

    saved = list[Event]
    kept: ClassVar[int]

    def __init__(self) -> None:
        self._newest: deque[Event] = deque(maxlen=self.kept)

    def apply(self, event: Event) -> None:
        """Keep one, and drop the oldest past the bound."""
        self._newest.append(event)

    def view(self) -> list[Broadcast]:
        """Return them, oldest first."""
        return [as_broadcast(event) for event in self._newest]

    def dump(self) -> list[Event]:
        """Return them as they were broadcast."""
        return list(self._newest)

    def load(self, saved: list[Event]) -> None:
        """Take those of a snapshot."""
        self._newest.extend(saved)
