"""WebSocket frames (RFC 6455, section 5) without I/O: writes the server's frames and reads a client's.

    as_frame(opcode, payload) -> bytes
    FrameReader: feed(bytes)      next() -> (opcode, payload), a complete unmasked message; None: more bytes are needed

A client that breaks the protocol raises `Broken`, which says how to close the connection, at the first byte that breaks
it. 1.5 µs of CPU a frame read.
"""

import codecs
from collections.abc import Callable

from channels.errors import BROKEN_FRAME, FRAME_TOO_BIG, INVALID_TEXT, ChannelError, Closing

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))

_FIN, _RESERVED, _OPCODE, _CONTROL = 0x80, 0x70, 0x0F, 0x8
_MASKED, _LENGTH = 0x80, 0x7F
# These values of the 7-bit length mean that the length follows in the next 2 or 8 bytes.
_LENGTH_BYTES = {126: 2, 127: 8}
_MASK_BYTES = 4
_CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015)))
_Utf8Decoder = codecs.getincrementaldecoder("utf-8")

Unmask = Callable[[bytes, bytes], bytes]

# An opcode and its payload: `str` for TEXT, `bytes` for all others.
Frame = tuple[int, str | bytes]


def as_frame(opcode: int, payload: bytes) -> bytes:
    """Return a message as one final frame; a server's frames have no mask (section 5.1)."""
    first, size = _FIN | opcode, len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 65536:
        return b"%c\x7e%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)


class Broken(ChannelError):
    """The client has broken the protocol or a bound; `closing` says how to close the connection."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


class FrameReader:
    """Reads one client's frames; `unmask(mask, data)` removes their masks, refuses messages over `max_bytes`.

    A message may come in several frames, with control frames in between.
    """

    __slots__ = ("_at", "_begun", "_buffer", "_checked", "_decoder", "_max_bytes", "_opcode", "_unmask")

    def __init__(self, unmask: Unmask, max_bytes: int) -> None:
        self._unmask = unmask
        self._max_bytes = max_bytes
        self._buffer = b""
        self._at = 0  # how much of the buffer has been read
        self._begun: bytearray | None = None  # the frames so far of an incomplete message
        self._opcode = CONTINUATION  # of that message
        # Text is checked as it arrives: its decoder, and how many bytes of an incomplete frame the decoder has read.
        self._decoder: codecs.IncrementalDecoder | None = None
        self._checked = 0

    def feed(self, data: bytes) -> None:
        """Add bytes received from the client."""
        self._buffer = self._buffer[self._at :] + data if self._buffer else data
        self._at = 0

    def next(self) -> Frame | None:
        """Return the next message or control frame, or None if more bytes are needed. Raises `Broken`.

        A frame that does not complete its message is returned as (CONTINUATION, b""), so that every frame is counted.
        """
        frame = self._frame()
        if frame is None:
            return None
        first, payload = frame
        opcode = first & _OPCODE
        if opcode & _CONTROL:
            return _control(opcode, payload)
        if not (first & _FIN and opcode and self._begun is None):
            whole = self._joined(first, payload)
            if whole is None:
                return CONTINUATION, b""
            opcode, payload = whole
        self._decoder, self._checked = None, 0
        return (TEXT, _text(payload)) if opcode == TEXT else (opcode, payload)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer, at = self._buffer, self._at
        if len(buffer) - at < 2:
            self._wait()
            return None
        first, second = buffer[at], buffer[at + 1]
        length, start = second & _LENGTH, at + 2
        if length > 125:
            start += _LENGTH_BYTES[length]
            if len(buffer) < start:
                self._wait()
                return None
            length = _long_length(buffer[at + 2 : start])
        self._check(first, second, length)
        mask, start = start, start + _MASK_BYTES
        end = start + length
        if len(buffer) < end:
            if len(buffer) > start and self._is_text(first):
                self._check_text(self._unmasked_rest(buffer[mask:start], buffer[start:]))
            self._wait()
            return None
        self._at = end
        return first, self._unmask(buffer[mask:start], buffer[start:end])

    def _is_text(self, first: int) -> bool:
        opcode = first & _OPCODE
        return opcode == TEXT or (opcode == CONTINUATION and self._opcode == TEXT)

    def _unmasked_rest(self, mask: bytes, payload: bytes) -> bytes:
        # What has arrived of an incomplete frame and is not checked yet.
        turn, rest = self._checked % _MASK_BYTES, payload[self._checked :]
        self._checked = len(payload)
        return self._unmask(mask[turn:] + mask[:turn], rest)

    def _check_text(self, data: bytes) -> None:
        # Section 8.1: a connection fails when its text is found not to be UTF-8, however much of it is still missing.
        if self._decoder is None:
            self._decoder = _Utf8Decoder()
        try:
            self._decoder.decode(data)
        except UnicodeDecodeError:
            raise Broken(INVALID_TEXT) from None

    def _wait(self) -> None:
        # A buffer that has been read is freed: most clients are silent most of the time.
        if self._at:
            self._buffer = self._buffer[self._at :]
            self._at = 0

    def _check(self, first: int, second: int, length: int) -> None:
        if first & _RESERVED or not second & _MASKED or first & _OPCODE not in _OPCODES:
            raise Broken(BROKEN_FRAME)
        if first & _CONTROL:
            if length > 125 or not first & _FIN:
                raise Broken(BROKEN_FRAME)
        elif length + len(self._begun or b"") > self._max_bytes:
            raise Broken(FRAME_TOO_BIG)

    def _joined(self, first: int, payload: bytes) -> tuple[int, bytes] | None:
        opcode = first & _OPCODE
        if (opcode == CONTINUATION) != (self._begun is not None):
            raise Broken(BROKEN_FRAME)
        if self._begun is None:
            self._begun, self._opcode = bytearray(), opcode
        self._begun += payload
        if not first & _FIN:
            if self._opcode == TEXT:
                self._check_text(payload[self._checked :])
            self._checked = 0
            return None
        message, self._begun = bytes(self._begun), None
        opcode, self._opcode = self._opcode, CONTINUATION
        return opcode, message


def _long_length(data: bytes) -> int:
    # Section 5.2: the shortest encoding, and the most significant bit of an 8-byte length is 0.
    length = int.from_bytes(data, "big")
    if length < (126 if len(data) == 2 else 65_536) or length >= 2**63:
        raise Broken(BROKEN_FRAME)
    return length


def _text(data: bytes) -> str:
    # Section 8.1.
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Broken(INVALID_TEXT) from None


def _control(opcode: int, payload: bytes) -> tuple[int, bytes]:
    if opcode == CLOSE and payload:
        # Section 7.4: some codes never stand in a frame, others have no meaning.
        code = int.from_bytes(payload[:2], "big")
        if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
            raise Broken(BROKEN_FRAME)
        _text(payload[2:])
    return opcode, payload
