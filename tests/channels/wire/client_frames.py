"""Frames as a WebSocket client sends them: masked."""

from tornado.util import _websocket_mask

# Any mask works; this one is from the examples in RFC 6455, section 5.7. It is fixed because frames appear in test ids,
# and parallel test processes must collect the same ids.
MASK = bytes.fromhex("37fa213d")


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes = MASK) -> bytes:
    """Return a masked frame."""
    head = bytes([opcode | (0x80 if final else 0)])
    return head + _length(len(payload)) + mask + _websocket_mask(mask, payload)


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([0x80 | size])
    return b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
