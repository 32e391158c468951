"""Wire messages to and from bytes: Phoenix Channels V2, `[join_ref, ref, topic, event, payload]`.

A `Wire` is one way of putting messages into bytes that go to the socket as they are: JSON in text frames, or the same
arrays as MessagePack in binary frames. An event's payload is JSON that was encoded once, when it was made. What many
clients share is built once per wire, and the many get the same bytes: server frames carry no mask (RFC 6455,
section 5.1).
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from channels.errors import Code, Refused
from channels.limit import MAX_NAME_CHARACTERS

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARACTERS)]


class ClientMessage(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a client sent; the payload stays undecoded until its event says of which type it is."""

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


def frame(first_byte: int, payload: bytes) -> bytes:
    """Wrap a payload as one unmasked WebSocket frame, RFC 6455, section 5.2."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (first_byte, size, payload)
    if size < 65536:
        return b"%c\x7e%b%b" % (first_byte, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first_byte, size.to_bytes(8, "big"), payload)


class Wire:
    """A format of messages on a transport; there is one instance of each, compared by identity."""

    name: str

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        raise NotImplementedError

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        raise NotImplementedError

    def message(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: bytes) -> bytes:
        """Put one message, its payload already JSON, into bytes for the socket."""
        raise NotImplementedError

    def broadcast(self, topic: str, event: str, payload: bytes) -> bytes:
        """Put a message without refs into bytes for every socket that speaks this wire."""
        return self.message(None, None, topic, event, payload)

    def reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: object) -> bytes:
        """Put the answer to one ref into bytes for the socket."""
        payload = msgspec.json.encode({"status": status, "response": response})
        return self.message(join_ref, ref, topic, "phx_reply", payload)


class JsonWire(Wire):
    """JSON in text frames, as stock clients speak it."""

    name = "json"
    _frame_type = 0x81  # FIN, text

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(ClientMessage)

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        return _checked(Code.BAD_FRAME, self._decoder.decode, data)

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        value: T = _checked(Code.BAD_PAYLOAD, msgspec.json.decode, payload, type=kind)
        return value

    def message(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: bytes) -> bytes:
        """Put one message, its payload already JSON, into bytes for the socket."""
        return frame(self._frame_type, self.text(join_ref, ref, topic, event, payload))

    def text(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: bytes) -> bytes:
        """Return the JSON of one message, without a frame around it."""
        return msgspec.json.encode((join_ref, ref, topic, event, msgspec.Raw(payload)))


class MessagePackWire(Wire):
    """The same five-element arrays as MessagePack, in binary frames."""

    name = "msgpack"
    _frame_type = 0x82  # FIN, binary

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(ClientMessage)

    def decode(self, data: bytes | str) -> ClientMessage:
        """Read one message; raises `Refused` (BAD_FRAME)."""
        if isinstance(data, str):
            raise Refused(Code.BAD_FRAME, "a text frame where MessagePack was agreed")
        return _checked(Code.BAD_FRAME, self._decoder.decode, data)

    def read(self, payload: msgspec.Raw, kind: type[T]) -> T:
        """Read a payload as its type; raises `Refused` (BAD_PAYLOAD) that says what is wrong where."""
        value: T = _checked(Code.BAD_PAYLOAD, msgspec.msgpack.decode, payload, type=kind)
        return value

    def message(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: bytes) -> bytes:
        """Put one message, its payload already JSON, into bytes for the socket."""
        body = msgspec.msgpack.encode((join_ref, ref, topic, event, msgspec.json.decode(payload)))
        return frame(self._frame_type, body)


JSON = JsonWire()
MESSAGE_PACK = MessagePackWire()

# By the name that `?format=` gives.
WIRES: dict[str, Wire] = {wire.name: wire for wire in (JSON, MESSAGE_PACK)}


def _checked(code: Code, decode: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    # msgspec says "Expected `str` of length <= 4000 - at `$.text`", which a client's author understands.
    # RecursionError: a few thousand nested brackets, which fit into a frame.
    try:
        return decode(*args, **kwargs)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(code, str(error)) from None
