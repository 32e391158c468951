"""Pinned messages of a class: staff pins them, and everybody sees them on top.

    message:pin {target} -> message:pinned, with a quote of the message, and `state.pins`, the newest last

What amends a message changes its quote in pins, too, as it does in replies (`amending`).
"""

from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Position, PushId
from channels.lesson import amending, chat
from channels.lesson.chat import Quote, read_message
from channels.lesson.feature import Action, Append, Appended, Feature, Push
from channels.limit import MAX_PINS
from channels.member import User
from channels.wire.codec import Event


class MessagePin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Show a message on top of the class."""

    target: Position
    id: PushId | None = None


class MessageUnpin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Show a message on top no more."""

    target: Position
    id: PushId | None = None


class MessagePinned(msgspec.Struct, frozen=True):
    """The message at `target` is shown on top."""

    target: Position
    quote: Quote
    author: User
    id: PushId | UnsetType = UNSET


class MessageUnpinned(msgspec.Struct, frozen=True):
    """The message at `target` is shown on top no more."""

    target: Position
    author: User
    id: PushId | UnsetType = UNSET


class Pin(msgspec.Struct, frozen=True):
    """A pinned message, and who has pinned it."""

    target: Position
    quote: Quote
    author: User


# Governing, so that two pins at once cannot exceed the bound.
PINNED = EventType("message:pinned", MessagePinned, Delivery.DURABLE, governs=True)
UNPINNED = EventType("message:unpinned", MessageUnpinned, Delivery.DURABLE, governs=True)


class Pins(Feature[list[Pin]]):
    """The pinned messages of a topic, the newest pin last."""

    __slots__ = ("_pins",)

    name = "pins"
    events = (PINNED, UNPINNED, amending.EDITED, amending.HIDDEN, amending.RESTORED)
    saved = list[Pin]

    def __init__(self) -> None:
        self._pins: dict[int, Pin] = {}

    def apply(self, event: Event) -> None:
        """Add a pin, take one away, or change its words."""
        _FOLDS[event.event](self._pins, event.payload)

    def has(self, target: int) -> bool:
        """Tell whether a message is pinned."""
        return target in self._pins

    @property
    def are_full(self) -> bool:
        """Whether no more can be pinned."""
        return len(self._pins) >= MAX_PINS

    def view(self) -> list[Pin]:
        """Return the pinned messages; the text of a hidden one is empty."""
        return list(self._pins.values())

    def dump(self) -> list[Pin]:
        """Return the pins."""
        return list(self._pins.values())

    def load(self, saved: list[Pin]) -> None:
        """Take the pins of a snapshot."""
        self._pins = {pin.target: pin for pin in saved}


Fold = Callable[[dict[int, Pin], bytes], None]


def _pinned(pins: dict[int, Pin], payload: bytes) -> None:
    pin = msgspec.json.decode(payload, type=Pin)
    pins[pin.target] = pin


def _unpinned(pins: dict[int, Pin], payload: bytes) -> None:
    pins.pop(msgspec.json.decode(payload, type=MessageUnpinned).target, None)


def _amended(pins: dict[int, Pin], payload: bytes) -> None:
    amended = msgspec.json.decode(payload, type=_Amended)
    pin = pins.get(amended.target)
    if pin is not None:
        quote = Quote(pin.quote.author, chat.shortened(amended.text))
        pins[amended.target] = msgspec.structs.replace(pin, quote=quote)


class _Amended(msgspec.Struct, frozen=True):
    target: Position
    text: str = ""  # of one that is hidden


_FOLDS: dict[str, Fold] = {
    PINNED.name: _pinned,
    UNPINNED.name: _unpinned,
    amending.EDITED.name: _amended,
    amending.HIDDEN.name: _amended,
    amending.RESTORED.name: _amended,
}


async def _pin(push: Push[MessagePin]) -> Append[MessagePinned]:
    given, pins = push.payload, push.state(Pins)
    if pins.has(given.target):
        raise Refused(Code.FORBIDDEN, "the message is pinned already")
    if pins.are_full:
        raise Refused(Code.FORBIDDEN, f"{MAX_PINS} messages are pinned; take one away first")
    message = await read_message(push, given.target)
    if message.hidden is not UNSET:
        raise Refused(Code.FORBIDDEN, "the message is hidden")
    pinned = MessagePinned(given.target, message.quote_now(), push.member.user, given.id or UNSET)
    return Append(PINNED, pinned, about=given.target)


def _unpin(push: Push[MessageUnpin]) -> Append[MessageUnpinned]:
    given = push.payload
    if not push.state(Pins).has(given.target):
        raise Refused(Code.FORBIDDEN, "the message is not pinned")
    return Append(UNPINNED, MessageUnpinned(given.target, push.member.user, given.id or UNSET))


PIN = Action("message:pin", MessagePin, _pin, Appended, emits=(PINNED,))
UNPIN = Action("message:unpin", MessageUnpin, _unpin, Appended, emits=(UNPINNED,))
