"""Decoding of a client's frames and encoding of ours: RFC 6455, section 5."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.util import _websocket_mask

from channels.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Broken, Frame, FrameReader, as_frame
from tests.channels.support import unframed
from tests.channels.wire.client_frames import frame

MAX_BYTES = 70_000

# The reader returns this for each fragment of an incomplete message.
PART = (CONTINUATION, b"")


def reader() -> FrameReader:
    return FrameReader(_websocket_mask, MAX_BYTES)


def read(*chunks: bytes) -> list[Frame]:
    """Feed the chunks and return all frames."""
    frames, found = reader(), []
    for chunk in chunks:
        frames.feed(chunk)
        while (message := frames.next()) is not None:
            found.append(message)
    return found


def broken(data: bytes) -> int:
    """Return the close code for a connection that sends these bytes."""
    with pytest.raises(Broken) as raised:
        read(data)
    return raised.value.closing.code


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_length_is_encoded_in_the_fewest_bytes(size: int, head: bytes) -> None:
    assert as_frame(TEXT, b"x" * size) == head + b"x" * size
    assert unframed(as_frame(TEXT, b"x" * size) * 2) == [b"x" * size] * 2


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, MAX_BYTES])
def test_messages_of_every_length_are_unmasked(size: int) -> None:
    payload = os.urandom(size)
    assert read(frame(BINARY, payload)) == [(BINARY, payload)]


def test_one_read_may_contain_many_frames() -> None:
    frames = [frame(TEXT, b"%d" % number) for number in range(100)]
    assert read(b"".join(frames)) == [(TEXT, str(number)) for number in range(100)]


@given(st.lists(st.integers(1, 200), max_size=60))
def test_frames_may_be_split_anywhere(cuts: list[int]) -> None:
    sent = [(TEXT, b"ol\xc3\xa1"), (PING, b""), (BINARY, bytes(300)), (TEXT, b"x" * 125), (CLOSE, b"\x03\xe8")]
    data = b"".join(frame(opcode, payload, mask=b"abcd") for opcode, payload in sent)
    chunks = []
    for size in cuts:
        chunks.append(data[:size])
        data = data[size:]
    assert read(*chunks, data) == [(opcode, body.decode() if opcode == TEXT else body) for opcode, body in sent]


def test_control_frames_may_interleave_with_message_fragments() -> None:
    parts = [frame(TEXT, b"a", final=False), frame(CONTINUATION, b"b", final=False), frame(PING, b"?")]
    assert whole(*parts, frame(CONTINUATION, b"c"), frame(PONG)) == [(PING, b"?"), (TEXT, "abc"), (PONG, b"")]
    assert whole(frame(TEXT, b"", final=False) + frame(CONTINUATION, b"")) == [(TEXT, "")]


def whole(*chunks: bytes) -> list[Frame]:
    """Feed the chunks and return complete messages and control frames, without the fragment markers."""
    return [each for each in read(*chunks) if each != PART]


def test_every_frame_can_be_counted() -> None:
    parts = [frame(TEXT, b"a", final=False), frame(CONTINUATION, final=False), frame(PING), frame(CONTINUATION)]
    assert read(*parts) == [PART, PART, (PING, b""), (TEXT, "a")]


def test_buffer_is_empty_after_all_frames_are_read() -> None:
    frames = reader()
    frames.feed(frame(TEXT, b"x" * 1000))
    frames.next()
    assert frames.next() is None
    assert frames._buffer == b""


@pytest.mark.parametrize(
    "data",
    [
        frame(CONTINUATION, b"x"),
        frame(TEXT, b"x", final=False) + frame(TEXT, b"y"),
        frame(TEXT, b"x", final=False) + frame(BINARY, b"y", final=False),
        frame(PING, b"x", final=False),
        frame(PING, b"x" * 126),
        frame(0x3, b"x"),
        frame(0xB, b"x"),
        frame(TEXT | 0x40, b"x"),
        frame(TEXT | 0x10, b"x"),
        b"\x81\x01x",
        frame(CLOSE, b"\x03"),
        frame(CLOSE, b"\x03\xed"),
        frame(CLOSE, b"\x00\x00"),
        frame(CLOSE, b"\x0b\xb7"),
        frame(CLOSE, b"\xff\xff"),
        b"\x81\xfe" + (125).to_bytes(2, "big") + bytes(4 + 125),
        b"\x81\xff" + (65_535).to_bytes(8, "big") + bytes(4 + 65_535),
        b"\x81\xff" + (2**63).to_bytes(8, "big") + bytes(4),
        b"\x89\xfe" + (5).to_bytes(2, "big") + bytes(4 + 5),
    ],
)
def test_protocol_violation_closes_with_1002(data: bytes) -> None:
    assert broken(data) == 1002


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1014, 3000, 4001, 4999])
def test_close_frame_may_carry_a_code_and_reason(code: int) -> None:
    payload = code.to_bytes(2, "big") + "até".encode()
    assert read(frame(CLOSE, payload), frame(CLOSE)) == [(CLOSE, payload), (CLOSE, b"")]


def test_oversized_message_closes_with_1009_before_it_arrives() -> None:
    assert broken(frame(TEXT, b"x" * (MAX_BYTES + 1))[:14]) == 1009
    assert broken(b"\x81\xff" + (2**62).to_bytes(8, "big") + bytes(4)) == 1009


def test_size_bound_applies_to_all_fragments_together() -> None:
    half = b"x" * (MAX_BYTES // 2)
    begun = frame(TEXT, half, final=False) + frame(CONTINUATION, half, final=False)
    assert broken(begun + frame(CONTINUATION, b"x")) == 1009
    assert whole(begun + frame(CONTINUATION)) == [(TEXT, (half + half).decode())]


def test_control_frames_do_not_count_towards_the_size_bound() -> None:
    begun = frame(TEXT, b"x" * MAX_BYTES, final=False)
    ping = frame(PING, b"are you there")
    assert whole(begun + ping + frame(CONTINUATION)) == [(PING, b"are you there"), (TEXT, "x" * MAX_BYTES)]


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"ol\xe1"),
        frame(TEXT, b"ol\xc3", final=False) + frame(CONTINUATION, b"x"),
        frame(TEXT, b"\xed\xa0\x80"),
        frame(CLOSE, b"\x03\xe8\xff"),
    ],
)
def test_invalid_utf_8_closes_with_1007(data: bytes) -> None:
    assert broken(data) == 1007


def test_fragments_may_split_a_utf_8_character() -> None:
    assert whole(frame(TEXT, b"ol\xc3", final=False) + frame(CONTINUATION, b"\xa1")) == [(TEXT, "olá")]


CUT = b"ol\xc3"
WRONG = b"ol\xf4\x90"


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, CUT),
        frame(TEXT, CUT, final=False) + frame(CONTINUATION, b""),
        frame(TEXT, CUT, final=False) + frame(CONTINUATION, b"x", final=False),
        frame(TEXT, b"ol", final=False) + frame(CONTINUATION, b"\xc3"),
        frame(CLOSE, b"\x03\xe8" + CUT),
    ],
)
def test_text_cut_within_a_character_closes_with_1007(data: bytes) -> None:
    assert broken(data) == 1007


@pytest.mark.parametrize("start", [b"", frame(TEXT, b"\xc3", final=False)])
def test_invalid_text_closes_before_its_frame_is_complete(start: bytes) -> None:
    opcode, text = (CONTINUATION, b"\xa1" + WRONG) if start else (TEXT, WRONG)
    whole_frame = frame(opcode, text + bytes(100), mask=b"abcd")
    head = len(whole_frame) - 100
    frames = reader()
    frames.feed(start)
    for byte in whole_frame[: head - 1]:
        while frames.next() is not None:
            pass
        frames.feed(bytes([byte]))
    assert frames.next() is None
    frames.feed(whole_frame[head - 1 : head])
    with pytest.raises(Broken) as raised:
        frames.next()
    assert raised.value.closing.code == 1007


@given(st.text(max_size=80), st.lists(st.integers(1, 9), max_size=30), st.lists(st.integers(1, 9), max_size=60))
def test_text_may_be_split_anywhere_within_characters(text: str, parts: list[int], cuts: list[int]) -> None:
    data, frames = text.encode(), list[bytes]()
    for size in parts:
        frames.append(frame(CONTINUATION if frames else TEXT, data[:size], final=False, mask=b"abcd"))
        data = data[size:]
    frames.append(frame(CONTINUATION if frames else TEXT, data, mask=b"abcd"))
    sent, chunks = b"".join(frames), []
    for size in cuts:
        chunks.append(sent[:size])
        sent = sent[size:]
    assert whole(*chunks, sent) == [(TEXT, text)]
