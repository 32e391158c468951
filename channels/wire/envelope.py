"""Reads whom to answer from a frame that is not a message, so that its refusal reaches the push that it belongs to.

A client that gets no answer under its ref sends the same again without end. This reads more than `codec`: refs that are
numbers, half a surrogate pair in any text (JavaScript sends one where an emoji was cut), frames with parts missing.
"""

import json
from typing import Any, NamedTuple

import msgspec

from channels.limit import MAX_NAME_CHARACTERS

Ref = str | int | None

HALF_A_PAIR = "half of a surrogate pair: no character, and no text can have it"


class Envelope(NamedTuple):
    """Where an answer goes: a client's refs as it wrote them, and its topic."""

    join_ref: Ref
    ref: Ref
    topic: str


UNREADABLE = Envelope(None, None, "phoenix")


def json_envelope(data: bytes | str) -> Envelope:
    """Read the envelope of a frame of JSON; what cannot be read is as in UNREADABLE."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):  # neither JSON nor UTF-8; a few thousand nested brackets
        return UNREADABLE
    return _envelope(found)


def message_pack_envelope(data: bytes | str) -> Envelope:
    """Read the envelope of a frame of MessagePack, each part by itself: one of them cannot be read."""
    try:
        parts = msgspec.msgpack.decode(data, type=list[msgspec.Raw]) if isinstance(data, bytes) else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNREADABLE
    return _envelope([_part(each) for each in parts[:3]])


def has_half_a_pair(data: bytes | str) -> bool:
    """Tell whether JSON has half of a surrogate pair in a text."""
    try:
        json.dumps(json.loads(data), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _part(raw: msgspec.Raw) -> object:
    try:
        return msgspec.msgpack.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _envelope(found: Any) -> Envelope:
    if isinstance(found, dict):
        found = [found.get(name) for name in ("join_ref", "ref", "topic")]
    if not isinstance(found, list) or len(found) < len(Envelope._fields):
        return UNREADABLE
    topic = found[2] if _is_name(found[2]) else UNREADABLE.topic
    return Envelope(_ref(found[0]), _ref(found[1]), topic)


def _ref(found: object) -> Ref:
    # 64 bits: what JSON's readers agree on, and the most that our encoder writes.
    if isinstance(found, int) and not isinstance(found, bool) and -(2**63) <= found < 2**63:
        return found
    return str(found) if _is_name(found) else None


def _is_name(found: object) -> bool:
    if not isinstance(found, str) or len(found) > MAX_NAME_CHARACTERS:
        return False
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True
