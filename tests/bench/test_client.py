"""WebSocket frames (RFC 6455), read in pieces as they arrive from a network."""

import pytest

from bench.client import frame_bytes, masked, source, take_frames

SIZES = [0, 1, 125, 126, 65_535, 65_536]


def frame(payload: bytes) -> bytes:
    """Make a server's text frame."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes([size]) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


@pytest.mark.parametrize("size", SIZES)
def test_frame_length_is_computed_correctly(size: int) -> None:
    assert frame_bytes(b"x" * size) == len(frame(b"x" * size))


def test_whole_frames_are_taken_and_the_rest_is_kept() -> None:
    payloads = [b"x" * size for size in SIZES]
    stream = b"".join(map(frame, payloads))
    inbox = bytearray(stream[:-1])
    assert take_frames(inbox) == payloads[:-1]
    inbox += stream[-1:]
    assert take_frames(inbox) == payloads[-1:]
    assert not inbox


@pytest.mark.parametrize("end", [1, 2, 3])
def test_incomplete_header_is_kept(end: int) -> None:
    inbox = bytearray(frame(b"x" * 200)[:end])
    assert take_frames(inbox) == []
    assert len(inbox) == end


def test_client_masks_its_frames_with_zeros() -> None:
    assert masked(b"abc") == b"\x81\x83\x00\x00\x00\x00abc"
    assert masked(b"x" * 200) == b"\x81\xfe\x00\xc8\x00\x00\x00\x00" + b"x" * 200


def test_many_clients_use_several_source_addresses() -> None:
    assert [source(0), source(9_999), source(10_000), source(29_999)] == [
        *("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"),
    ]
