"""A topic's state, folded from its events by the features; the same on every worker, since the order is.

Each feature that has state names the kinds of event that change it, so that loading a topic reads those and not a
year of chat.
"""

from typing import Any, Protocol, get_type_hints

import msgspec

from channels.lesson.announcements import Announcements
from channels.wire.codec import Event


class Fold(Protocol):
    """What a feature keeps of a topic's events."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of event that change it."""

    def apply(self, event: Event) -> None:
        """Fold one event of `kinds`, in order."""

    def view(self) -> msgspec.Struct:
        """Return what this feature adds to the topic's state: its fields stand beside the other features'."""


# By the kind of topic: the text before the colon, if any.
_FEATURES: dict[str, tuple[type[Fold], ...]] = {
    "class": (Announcements,),
    "role": (Announcements,),
    "school": (Announcements,),
}


def state_fields(topic: str) -> list[tuple[str, Any]]:
    """Return the names and types of what a topic's state is made of."""
    views = [get_type_hints(feature.view)["return"] for feature in _features(topic)]
    return [(field.name, field.type) for view in views for field in msgspec.structs.fields(view)]


def _features(topic: str) -> tuple[type[Fold], ...]:
    return _FEATURES.get(topic.partition(":")[0], ())


class Room:
    """The state of one topic, as the hub keeps it."""

    __slots__ = ("_folds", "kinds")

    def __init__(self, topic: str) -> None:
        folds = [feature() for feature in _features(topic)]
        self._folds = {kind: fold for fold in folds for kind in fold.kinds}
        self.kinds = tuple(self._folds)

    def apply(self, event: Event) -> None:
        """Fold one event of any kind, in order."""
        fold = self._folds.get(event.event)
        if fold is not None:
            fold.apply(event)

    def view(self) -> dict[str, object]:
        """Return the state as join replies carry it."""
        state: dict[str, object] = {}
        for fold in self._folds.values():
            state |= msgspec.structs.asdict(fold.view())
        return state
