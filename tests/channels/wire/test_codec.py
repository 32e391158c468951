"""The codec, with pinned bytes on the wire."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Code, Refused
from channels.lesson.chat import MessageSend
from channels.wire.codec import JSON, JSON_OBJECTS, MESSAGE_PACK, POLL, Event, Wire, as_broadcast, stamped


def test_broadcast_is_one_unmasked_text_frame_without_refs() -> None:
    data = JSON.broadcast("class:7", "message:sent", b'{"text":"oi","seq":1,"at":2}')
    assert data == b'\x81\x41[null,null,"class:7","message:sent",{"text":"oi","seq":1,"at":2}]'


def test_reply_carries_both_refs() -> None:
    data = JSON.reply("3", "4", "class:7", "ok", {"seq": 1})
    assert data[2:] == b'["3","4","class:7","phx_reply",{"status":"ok","response":{"seq":1}}]'


def test_messagepack_is_the_same_array_in_a_binary_frame() -> None:
    data = MESSAGE_PACK.broadcast("class:7", "typing:started", b'{"user":{"id":1}}')
    assert data[0] == 0x82
    assert msgpack.unpackb(data[2:]) == [None, None, "class:7", "typing:started", {"user": {"id": 1}}]


def test_client_that_sends_objects_receives_objects_without_join_ref() -> None:
    data = JSON_OBJECTS.reply("3", "4", "class:7", "ok", {})
    assert data[2:] == (b'{"topic":"class:7","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"4"}')
    data = JSON_OBJECTS.broadcast("class:7", "message:sent", b'{"seq":1}')
    assert data[2:] == b'{"topic":"class:7","event":"message:sent","payload":{"seq":1},"ref":null}'


@pytest.mark.parametrize("arrays", [JSON, POLL])
def test_reply_format_follows_the_format_of_the_frame(arrays: Wire) -> None:
    objects = arrays.as_spoken('{"topic":"t"}')
    assert objects is not arrays
    assert objects.as_spoken(b"[null") is arrays.as_spoken("[null") is arrays
    assert objects.as_spoken(b"{") is arrays.as_spoken(b"{") is objects
    # Input that is neither an array nor an object keeps the current format.
    assert objects.as_spoken("x") is objects
    assert arrays.as_spoken("") is arrays.as_spoken(b"\x00") is arrays


@pytest.mark.parametrize(
    ("frame", "join_ref", "ref"),
    [
        ('{"topic":"t","event":"e","payload":{},"ref":"1"}', None, "1"),
        ('{"topic":"t","event":"e","payload":{},"ref":"1","join_ref":"2"}', "2", "1"),
        ('{"topic":"t","event":"e","payload":{},"ref":null}', None, None),
    ],
)
def test_objects_decode_with_or_without_a_join_ref(frame: str, join_ref: str | None, ref: str | None) -> None:
    message = JSON_OBJECTS.decode(frame)
    assert (message.join_ref, message.ref, message.topic, message.event) == (join_ref, ref, "t", "e")
    assert JSON_OBJECTS.read(message.payload, dict) == {}


def test_poll_carries_each_message_as_a_json_string() -> None:
    messages = [POLL.broadcast("t", "e", b'{"text":"\xc3\xa7\\n"}'), POLL.reply("1", "2", "t", "ok", {})]
    texts = json.loads(b"[" + b"".join(messages)[:-1] + b"]")
    assert [json.loads(text) for text in texts] == [
        [None, None, "t", "e", {"text": "ç\n"}],
        ["1", "2", "t", "phx_reply", {"status": "ok", "response": {}}],
    ]


def test_binary_push_is_refused_with_its_own_refs() -> None:
    message = JSON.decode(b"\x00\x01\x02\x07\x04" + b"3" + b"41" + b"class:7" + b"blob" + b"\xff\xfe")
    assert (message.join_ref, message.ref, message.topic, message.event) == ("3", "41", "class:7", "blob")
    with pytest.raises(Refused, match="object"):
        JSON.read(message.payload, MessageSend)


@given(st.binary(max_size=40))
def test_malformed_binary_frame_is_refused(data: bytes) -> None:
    with suppress(Refused):
        assert len(data) >= 4 + len(JSON.decode(b"\x00" + data).topic)


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text()), st.integers(1, 2**53), st.integers(0))
def test_stamp_adds_seq_and_time_and_keeps_other_fields(payload: dict[str, object], seq: int, at: int) -> None:
    payload = {key: value for key, value in payload.items() if key not in ("seq", "at")}
    data = stamped(msgspec.json.encode(payload), seq, at)
    assert json.loads(data) == payload | {"seq": seq, "at": at}


def test_replies_list_events_exactly_as_broadcast() -> None:
    event = Event(3, "message:sent", b'{"text":"\xc3\xa7","seq":3,"at":9}')
    reply = JSON.reply(None, "1", "t", "ok", {"events": [as_broadcast(event)]})
    assert b'{"event":"message:sent","payload":{"text":"\xc3\xa7","seq":3,"at":9}}' in reply


def refusal_of(read: Callable[[], object]) -> Code | None:
    """Return the code of a refusal, or None without one; any other exception fails the test."""
    try:
        read()
    except Refused as refusal:
        return refusal.code
    return None


@given(st.text() | st.binary())
def test_any_input_decodes_or_is_refused(data: str | bytes) -> None:
    for wire in (JSON, MESSAGE_PACK):
        assert refusal_of(partial(wire.decode, data)) in (None, Code.BAD_FRAME)


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(ANYTHING)
def test_any_payload_matches_its_type_or_is_refused(payload: object) -> None:
    message = JSON.decode(json.dumps(["1", "2", "t", "message:send", payload]))
    good = isinstance(payload, dict) and payload.keys() == {"text"} and isinstance(payload["text"], str)
    refusal = refusal_of(lambda: JSON.read(message.payload, MessageSend))
    assert refusal is Code.BAD_PAYLOAD or good


def test_refusal_names_the_error_and_its_path() -> None:
    message = JSON.decode('["1","2","t","message:send",{"text":5}]')
    with pytest.raises(Refused, match=r"Expected `str`, got `int` - at `\$.text`"):
        JSON.read(message.payload, MessageSend)


def test_topic_length_is_bounded() -> None:
    with pytest.raises(Refused):
        JSON.decode(json.dumps(["1", "2", "t" * 129, "e", {}]))
