"""Whom to answer, read from frames that are not messages."""

import json

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wire.codec import JSON, JSON_OBJECTS, MESSAGE_PACK
from channels.wire.envelope import UNREADABLE, Envelope, has_half_a_pair, json_envelope, message_pack_envelope


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (r'["1","2","class:1","message:send",{"text":"\ud83d"}]', ("1", "2", "class:1")),
        (r'["1","2","class:\ude00","message:send",{}]', ("1", "2", "phoenix")),
        (r'["\ud83d","2","class:1","message:send",{}]', (None, "2", "class:1")),
        ('[1,2,"class:1","message:send",{}]', (1, 2, "class:1")),
        ('["1",7,"class:1"]', ("1", 7, "class:1")),
        ('[null,1.5,"class:1","x",{}]', (None, None, "class:1")),
        ('[true,[],"class:1","x",{}]', (None, None, "class:1")),
        (f'[{2**64},"2","class:1","x",{{}}]', (None, "2", "class:1")),
        (f'["1","{"x" * 200}","class:1","x",{{}}]', ("1", None, "class:1")),
        (r'{"topic":"class:1","event":"x","payload":"\ud83d","ref":"4"}', (None, "4", "class:1")),
        ('["1","2"]', UNREADABLE),
        ('["1","2","class:1"', UNREADABLE),
        ("7", UNREADABLE),
        ("[" * 5000, UNREADABLE),
        (b"\xff", UNREADABLE),
    ],
)
def test_envelope_of_json_has_the_parts_that_can_be_read(frame: str | bytes, expected: Envelope) -> None:
    assert json_envelope(frame) == expected
    answer = JSON.reply(*json_envelope(frame), "error", {})
    assert json.loads(answer[2:])[:3] == list(expected)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (msgpack.packb(["1", 2, "class:1", "x", {}]), ("1", 2, "class:1")),
        (b"\x95\xa11\xa12\xa1t\xa1x\x81\xa1t\xa2\xed\xa0", ("1", "2", "t")),
        (b"\x95\xa11\xa1\xff\xa1t\xa1x\x80", ("1", None, "t")),
        (b"\x92\xa11\xa12", UNREADABLE),
        (b"\x95\xa11", UNREADABLE),
        ("text", UNREADABLE),
    ],
)
def test_envelope_of_message_pack_has_the_parts_that_can_be_read(frame: bytes, expected: Envelope) -> None:
    assert message_pack_envelope(frame) == expected
    assert MESSAGE_PACK.reply(*message_pack_envelope(frame), "error", {})


@given(st.text() | st.binary())
def test_anything_has_an_envelope_that_can_be_answered(data: str | bytes) -> None:
    for wire in (JSON, JSON_OBJECTS, MESSAGE_PACK):
        assert wire.reply(*wire.envelope(data), "error", {})


@pytest.mark.parametrize(
    ("frame", "expected"),
    [(r'["\ud83d"]', True), (r'["\ud83d\ude00"]', False), ('["😀"]', False), ('["', False), ("[" * 5000, False)],
)
def test_lone_surrogate_is_distinguished_from_other_faults(frame: str, expected: bool) -> None:
    assert has_half_a_pair(frame) is expected
