"""A client's frames, for tests."""

from tornado.util import _websocket_mask

# Any other would do as well (RFC 6455, section 5.7, shows frames with this one). It is not a random one, because frames
# stand in the names of tests, and all processes that run tests side by side must find the same names.
MASK = bytes.fromhex("37fa213d")


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes = MASK) -> bytes:
    """Make a client's frame."""
    head = bytes([opcode | (0x80 if final else 0)])
    return head + _length(len(payload)) + mask + _websocket_mask(mask, payload)


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([0x80 | size])
    return b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
