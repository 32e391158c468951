"""A topic's state: what its features fold from its events; the same on every worker, since the order is.

    events -> apply() -> each feature that folds their kind -> view(), by the features' names
    snapshot <- dump()          load() <- snapshot, then the events after it

Each feature names the kinds of event that change it, so that loading a topic reads those and not a year of chat.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

import msgspec

from channels.lesson.feature import Action, Feature, LiveView, Period, Push, Viewer
from channels.wire.codec import Event

F = TypeVar("F", bound=Feature[Any])


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    """A snapshot: the newest governing event's position, and each feature's name, version and state."""

    governed: int
    features: list[tuple[str, int, msgspec.Raw]]


_NONE: Mapping[Any, Any] = MappingProxyType({})
_NO_EVENTS: frozenset[str] = frozenset()

_decoder = msgspec.msgpack.Decoder(_Saved)


class TopicState:
    """The state of one topic: one object per feature.

    `governed` is the position of the newest event applied that changed what is allowed, 0 where there was none.
    """

    __slots__ = (
        "__weakref__",
        "_by_event",
        "_encoded",
        "_features",
        "_governing",
        "_noting",
        "_own",
        "_periods",
        "_rules",
        "_sleepers",
        "governed",
    )

    def __init__(self, features: Sequence[type[Feature[Any]]]) -> None:
        # Most topics are those of single users and fold nothing: they share what is empty.
        self._features: Mapping[type[Feature[Any]], Feature[Any]] = _NONE
        self._by_event: Mapping[str, list[Feature[Any]]] = _NONE
        self._governing = _NO_EVENTS
        self._sleepers: Sequence[Feature[Any]] = ()
        if features:
            self._features = {feature: feature() for feature in features}
            self._by_event = _by_event(self._features.values())
            self._governing = frozenset(event.name for each in features for event in each.events if event.governs)
            self._sleepers = [each for each in self._features.values() if each.sometimes]
        # Most features forbid nothing, and a push asks only those that do.
        self._rules = tuple(each for each in self._features.values() if type(each).rule is not Feature.rule)
        self._noting = tuple(each for each in self._features.values() if type(each).noted is not Feature.noted)
        self._periods = tuple(each for each in self._features.values() if type(each).period is not Feature.period)
        self._own = tuple(each for each in self._features.values() if type(each).view_for is not Feature.view_for)
        self._encoded: Mapping[str, object] | None = None  # what all members see, until an event changes it
        self.governed = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of event that change the state now; an event that is applied may change which they are."""
        asleep = {event.name: each for each in self._sleepers if not each.awake for event in each.sometimes}
        return tuple(name for name, followers in self._by_event.items() if followers != [asleep.get(name)])

    def of(self, feature: type[F]) -> F:
        """Return one feature's state; raises KeyError where the feature does not fold in this topic."""
        found = self._features[feature]
        assert isinstance(found, feature)
        return found

    def apply(self, event: Event) -> None:
        """Fold one event of any kind, in order."""
        if event.event in self._by_event:
            self._encoded = None
        for feature in self._by_event.get(event.event, ()):
            feature.apply(event)
        if event.event in self._governing:
            self.governed = event.seq

    @property
    def noted(self) -> int:
        """Return the position of the newest event whose delivery is noted; 0: there is none."""
        return max((feature.noted for feature in self._noting), default=0)

    def check(self, push: Push[Any], action: Action[Any, Any]) -> bool:
        """Raise `Refused` where a rule forbids a push; tell whether one depends on what its author did before."""
        depends = False
        for feature in self._rules:
            depends |= bool(feature.rule(push, action))
        return depends

    @property
    def has_periods(self) -> bool:
        """Tell whether there may be one, now or later."""
        return bool(self._periods)

    def period(self) -> Period | None:
        """Return the period that runs in the topic, if one does."""
        for feature in self._periods:
            return feature.period()
        return None

    def view(self, viewer: Viewer) -> dict[str, object]:
        """Return the state as the replies to a member's joins carry it."""
        return {feature.name: feature.view_for(viewer) for feature in self._features.values()}

    def encoded_view(self, viewer: Viewer) -> dict[str, object]:
        """Return the same as `view`, where what all members see is JSON already: a class that comes back gets the same.

        It is kept until an event of a kind that a feature folds, and is as large as the state itself.
        """
        if self._encoded is None:
            shared = [each for each in self._features.values() if each not in self._own]
            self._encoded = {each.name: msgspec.Raw(msgspec.json.encode(each.view())) for each in shared}
        return {**self._encoded, **{each.name: each.view_for(viewer) for each in self._own}}

    def dump(self) -> bytes:
        """Return the state for a snapshot."""
        features = [(each.name, each.version, _raw(each.dump())) for each in self._features.values()]
        return msgspec.msgpack.encode(_Saved(self.governed, features))

    def load(self, data: bytes) -> bool:
        """Take over a snapshot; False, and nothing changes, where other features or versions made it."""
        try:
            saved = _decoder.decode(data)
            states = {name: (version, raw) for name, version, raw in saved.features}
            loaded = [self._loaded(each, *states[each.name]) for each in self._features.values()]
        except (msgspec.MsgspecError, KeyError):
            return False
        if len(loaded) != len(states):
            return False
        for feature, state in zip(self._features.values(), loaded, strict=True):
            feature.load(state)
        self._encoded = None
        self.governed = saved.governed
        return True

    @staticmethod
    def _loaded(feature: Feature[Any], version: int, raw: msgspec.Raw) -> Any:
        if version != feature.version:
            raise KeyError(feature.name)
        return msgspec.msgpack.decode(raw, type=feature.saved)


def _by_event(features: Iterable[Feature[Any]]) -> dict[str, list[Feature[Any]]]:
    found: dict[str, list[Feature[Any]]] = {}
    for feature in features:
        for event in feature.events:
            found.setdefault(event.name, []).append(feature)
    return found


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


def state_fields(features: Sequence[type[Feature[Any]] | type[LiveView]]) -> list[tuple[str, Any]]:
    """Return the names and types of what a topic's state is made of, for the protocol's document."""
    return [(feature.name, get_type_hints(_view(feature))["return"]) for feature in features]


def _view(feature: type[Feature[Any]] | type[LiveView]) -> Any:
    own = getattr(feature, "view_for", Feature.view_for)
    return feature.view if own is Feature.view_for else own
