"""A client's frames, for tests."""

import os

from tornado.util import _websocket_mask


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes | None = None) -> bytes:
    """Make a client's frame; the mask is a random one unless one is given."""
    mask = os.urandom(4) if mask is None else mask
    head = bytes([opcode | (0x80 if final else 0)])
    return head + _length(len(payload)) + mask + _websocket_mask(mask, payload)


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([0x80 | size])
    return b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
