"""Encodes and decodes wire messages: Phoenix Channels V2, `[join_ref, ref, topic, event, payload]`.

A `Wire` encodes messages as bytes that a transport sends unchanged: JSON in text frames, the same arrays as MessagePack
in binary frames, or JSON as the items of a long-poll answer. A client that sends objects, as in the protocol's first
version, gets objects. An event's payload is JSON, encoded once. A broadcast is encoded once per wire, and all its
clients get the same bytes: server frames carry no mask (RFC 6455, section 5.1).
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from channels.errors import Code, Refused
from channels.limit import MAX_NAME_CHARACTERS
from channels.wire.envelope import HALF_A_PAIR, Envelope, Ref, has_half_a_pair, json_envelope, message_pack_envelope
from channels.wire.frames import BINARY, TEXT, as_frame

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARACTERS)]


class ClientMessage(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a client sent; the payload stays undecoded until the event's type is known."""

    join_ref: Name | None
    ref: Name | None
    topic: Name
    event: Name
    payload: msgspec.Raw

    def bare(self) -> "ClientMessage":
        """Return the message without its payload, which keeps the whole frame in memory: for those who answer later."""
        return msgspec.structs.replace(self, payload=msgspec.Raw())


class Event(msgspec.Struct, frozen=True, gc=False):
    """One durable event of a topic; `payload` is the JSON object as it is broadcast, `seq` and `at` in it."""

    seq: int
    event: str
    payload: bytes


def stamped(payload: bytes, seq: int, at: int) -> bytes:
    """Add an event's position and time (ms since 1970) to its JSON object: they are known only in the transaction."""
    comma = b"" if payload == b"{}" else b","
    return b'%b%b"seq":%d,"at":%d}' % (payload[:-1], comma, seq, at)


def with_target(payload: bytes, target: int) -> bytes:
    """Add the position of another event, known only in the transaction, to an event's JSON object."""
    comma = b"" if payload == b"{}" else b","
    return b'%b%b"target":%d}' % (payload[:-1], comma, target)


class _Stamp(msgspec.Struct, frozen=True):
    at: int


def amended(event: Event, payload: bytes) -> Event:
    """Return an event with another payload, a JSON object without position and time, which stay as they are."""
    at = msgspec.json.decode(event.payload, type=_Stamp).at
    return Event(event.seq, event.event, stamped(payload, event.seq, at))


class Broadcast(msgspec.Struct, frozen=True, gc=False):
    """A durable event as replies list it; the payload is as it was broadcast."""

    event: str
    payload: msgspec.Raw


def as_broadcast(event: Event) -> Broadcast:
    """Return the event as replies list it."""
    return Broadcast(event.event, msgspec.Raw(event.payload))


def total_bytes(events: Iterable[Event]) -> int:
    """Return how many bytes the events' payloads have."""
    return sum(len(event.payload) for event in events)


class Wire:
    """A format of messages on a transport; there is one instance of each, compared by identity."""

    name: str

    def as_spoken(self, data: bytes | str) -> "Wire":
        """Return the wire of the same transport that answers a client's frame in the form in which it came."""
        return self

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        raise NotImplementedError

    def envelope(self, data: bytes | str) -> Envelope:
        """Read whom to answer from a frame that `decode` has refused."""
        return json_envelope(data)

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        raise NotImplementedError

    def message(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: bytes) -> bytes:
        """Encode one message, whose payload is JSON already, for the transport."""
        raise NotImplementedError

    def broadcast(self, topic: str, event: str, payload: bytes) -> bytes:
        """Encode a message without refs for all clients of this wire."""
        return self.message(None, None, topic, event, payload)

    def reply(self, join_ref: Ref, ref: Ref, topic: str, status: str, response: object) -> bytes:
        """Encode the reply to one ref for the transport."""
        payload = msgspec.json.encode({"status": status, "response": response})
        return self.message(join_ref, ref, topic, "phx_reply", payload)


def as_text_frame(text: bytes) -> bytes:
    """Wrap a message's JSON as a WebSocket frame."""
    return as_frame(TEXT, text)


def as_poll_item(text: bytes) -> bytes:
    """Wrap a message's JSON as an item of a long-poll answer's `messages`: a JSON string, and a comma for the next."""
    return msgspec.json.encode(text.decode()) + b","


class JsonWire(Wire):
    """JSON as stock clients speak it: arrays, each put into what the transport carries by `wrap`.

    `other` is the wire of the same transport for the other form: objects or arrays.
    """

    other: "JsonWire"
    _opens_other: tuple[str | bytes, ...] = ("{", b"{")

    def __init__(self, name: str, wrap: Callable[[bytes], bytes]) -> None:
        self.name = name
        self._wrap = wrap
        self._decoder = msgspec.json.Decoder(ClientMessage)

    def as_spoken(self, data: bytes | str) -> Wire:
        """Return the wire that answers a client's frame in the form in which it came."""
        return self.other if data[:1] in self._opens_other else self

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        if isinstance(data, bytes) and data[:1] == _BINARY_PUSH:
            return _checked(Code.BAD_FRAME, _binary_push, data)
        return _checked_json(self._decoder, data)

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        value: T = _checked(Code.BAD_PAYLOAD, msgspec.json.decode, payload, type=kind)
        return value

    def message(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: bytes) -> bytes:
        """Encode one message, whose payload is JSON already, for the transport."""
        return self._wrap(msgspec.json.encode((join_ref, ref, topic, event, msgspec.Raw(payload))))


class JsonObjectWire(JsonWire):
    """JSON objects, as the protocol's first version has them and some clients still do; answers have no join_ref."""

    _opens_other = ("[", b"[")

    def __init__(self, name: str, wrap: Callable[[bytes], bytes]) -> None:
        super().__init__(name, wrap)
        self._object_decoder = msgspec.json.Decoder(_ObjectMessage)

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        given = _checked_json(self._object_decoder, data)
        return ClientMessage(given.join_ref, given.ref, given.topic, given.event, given.payload)

    def message(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: bytes) -> bytes:
        """Encode one message, whose payload is JSON already, for the transport."""
        message = {"topic": topic, "event": event, "payload": msgspec.Raw(payload), "ref": ref}
        return self._wrap(msgspec.json.encode(message))


class _ObjectMessage(msgspec.Struct, frozen=True, gc=False):
    topic: Name
    event: Name
    payload: msgspec.Raw
    ref: Name | None = None
    join_ref: Name | None = None


class MessagePackWire(Wire):
    """The same five-element arrays as MessagePack, in binary frames."""

    name = "msgpack"

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(ClientMessage)

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        if isinstance(data, str):
            raise Refused(Code.BAD_FRAME, "a text frame where MessagePack was agreed")
        return _checked(Code.BAD_FRAME, self._decoder.decode, data)

    def envelope(self, data: bytes | str) -> Envelope:
        """Read whom to answer from a frame that `decode` has refused."""
        return message_pack_envelope(data)

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        value: T = _checked(Code.BAD_PAYLOAD, msgspec.msgpack.decode, payload, type=kind)
        return value

    def message(self, join_ref: Ref, ref: Ref, topic: str, event: str, payload: bytes) -> bytes:
        """Encode one message, whose payload is JSON already, for the transport."""
        body = msgspec.msgpack.encode((join_ref, ref, topic, event, msgspec.json.decode(payload)))
        return as_frame(BINARY, body)


def _in_both_forms(name: str, wrap: Callable[[bytes], bytes]) -> tuple[JsonWire, JsonWire]:
    arrays, objects = JsonWire(name, wrap), JsonObjectWire(f"{name} objects", wrap)
    arrays.other, objects.other = objects, arrays
    return arrays, objects


JSON, JSON_OBJECTS = _in_both_forms("json", as_text_frame)
MESSAGE_PACK = MessagePackWire()

# A poll carries only JSON: stock clients cannot read anything else.
POLL, POLL_OBJECTS = _in_both_forms("poll", as_poll_item)

# First byte of a push with a binary payload, as Phoenix' clients send it for an ArrayBuffer: four lengths follow, of
# one byte each, then join_ref, ref, topic and event.
_BINARY_PUSH = b"\x00"

# No push of ours has a binary payload. A string takes its place, which is refused under the push's own ref.
_NO_PAYLOAD = msgspec.Raw(b'"a binary payload"')


def _binary_push(data: bytes) -> ClientMessage:
    parts, start = [], 5
    for length in data[1:5]:
        parts.append(data[start : start + length].decode())
        start += length
    if len(parts) < 4 or start > len(data) or max(map(len, parts)) > MAX_NAME_CHARACTERS:
        raise msgspec.DecodeError("a binary frame that is not a push")
    join_ref, ref, topic, event = parts
    return ClientMessage(join_ref or None, ref or None, topic, event, _NO_PAYLOAD)


def _checked_json(decoder: msgspec.json.Decoder[T], data: bytes | str) -> T:
    try:
        return _checked(Code.BAD_FRAME, decoder.decode, data)
    except Refused:
        if has_half_a_pair(data):  # of which msgspec says that the data is truncated
            raise Refused(Code.BAD_FRAME, HALF_A_PAIR) from None
        raise


def _checked(code: Code, decode: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    # msgspec says "Expected `str` of length <= 4000 - at `$.text`", which a client's author understands.
    # RecursionError: a few thousand nested brackets, which fit into a frame.
    try:
        return decode(*args, **kwargs)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(code, str(error)) from None
