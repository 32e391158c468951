"""Reading WebSockets past Tornado, over real sockets: order, limits, rates, and the private API that is used."""

import asyncio
import inspect
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tornado.iostream import BaseIOStream
from tornado.websocket import WebSocketProtocol13

from channels.errors import BROKEN_FRAME, FRAME_TOO_BIG, INVALID_TEXT, RESTARTING
from channels.limit import FRAME_BURST, MAX_FRAME_BYTES, READ_COST
from channels.sessions.session import Session
from channels.transports.tornado_reading import MAX_FRAMES_A_TURN, MAX_LATE_FRAMES, SocketProtocol
from channels.transports.websocket import SocketTransport
from channels.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, FrameReader
from tests.channels.transports.sockets import (
    RawClient,
    Served,
    pushes,
    replies_to,
    serving,
)
from tests.channels.wire.client_frames import frame

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


ANY_FRAMES = {
    "messages": frame(TEXT, b"[]"),
    "binary": frame(BINARY, b"x"),
    "parts": frame(CONTINUATION, final=False),
    "pings": frame(PING),
    "pongs": frame(PONG),
}


@pytest.mark.parametrize("kind", ANY_FRAMES)
async def test_every_kind_of_frame_counts_towards_the_rate(make_worker: Callable[..., Any], kind: str) -> None:
    async with serving(await make_worker()) as served:
        client = RawClient(served.port, "ana", frame(TEXT, final=False) if kind == "parts" else b"")
        await client.read_until(b"\r\n\r\n")
        await client.send_bytes(ANY_FRAMES[kind] * 2 * int(FRAME_BURST))
        assert await client.read_until(b"\x88\x11\x03\xf0too many frames")
        client.socket.close()
        await served.gone(1)


def connected(served: Served) -> tuple[Session, SocketProtocol]:
    """Return ana's session and the protocol of its socket."""
    (session,) = served.worker.engine._registry.of(1)
    assert isinstance(session.transport, SocketTransport)
    protocol = session.transport._protocol
    assert isinstance(protocol, SocketProtocol)
    return session, protocol


async def test_frames_after_the_close_frame_are_dropped_unread(served: Served) -> None:
    client = RawClient(served.port, "ana")
    await client.join()
    session, protocol = connected(served)
    session.end(RESTARTING)
    await client.read_until(RESTARTING.reason.encode())
    read: list[Frame] = []
    protocol._reader = Recording(protocol._reader, read.append)  # type: ignore[assignment]
    for _ in range(50):
        await client.send_bytes(frame(PING) * 1_000)
    await client.send_bytes(b"end")
    client.socket.close()
    await served.gone(1)
    assert len(read) == MAX_LATE_FRAMES + 1


async def test_burst_of_one_client_is_handled_in_parts(served: Served) -> None:
    client = RawClient(served.port, "ana")
    await client.join()
    _, protocol = connected(served)
    turns = Turns()
    protocol._reader = Recording(protocol._reader, turns.take)  # type: ignore[assignment]
    counting = asyncio.create_task(turns.count())
    await client.send_bytes(b"".join(pushes(50)))
    assert [ref for ref, _ in await replies_to(client, "50")][-1] == "50"
    counting.cancel()
    client.socket.close()
    await served.gone(1)
    assert sum(turns.frames.values()) == 51
    assert max(turns.frames.values()) <= MAX_FRAMES_A_TURN


class Turns:
    """Counts the turns of the event loop, and the frames read in each."""

    def __init__(self) -> None:
        self.turn = 0
        self.frames: Counter[int] = Counter()

    def take(self, frame: Frame) -> None:
        self.frames[self.turn] += 1

    async def count(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)


class Recording:
    """A reader that reports each frame that it has read."""

    def __init__(self, reader: FrameReader, report: Callable[[Frame], None]) -> None:
        self._reader = reader
        self._report = report

    def feed(self, data: bytes) -> None:
        self._reader.feed(data)

    def next(self) -> Frame | None:
        frame = self._reader.next()
        if frame is not None:
            self._report(frame)
        return frame


async def test_tornado_still_has_the_private_api_that_we_replace(served: Served) -> None:
    # When a new Tornado changes one of these, compare SocketProtocol with it before changing this test.
    assert WebSocketProtocol13._receive_frame_loop.__code__.co_names[:4] == (
        "client_terminated",
        "_wire_bytes_in",
        "_receive_frame",
        "_FRAME_YIELD_COST",
    )
    assert "_handle_read" in BaseIOStream._handle_events.__code__.co_names
    assert inspect.signature(WebSocketProtocol13._handle_message) == inspect.signature(SocketProtocol._handle_message)
    connection = await served.connect("access_token=ana")
    await connection.join()
    (session,) = served.worker.engine._registry.of(1)
    assert isinstance(session.transport, SocketTransport)
    stream = session.transport._stream
    assert getattr(stream._handle_read, "__func__", None) is SocketProtocol._read
    assert not stream.reading()
    assert stream._read_buffer_size == 0


async def test_frames_may_arrive_together_with_the_upgrade_request(served: Served) -> None:
    client = RawClient(served.port, "ana", b"".join(pushes(3)))
    assert [ref for ref, _ in await replies_to(client, "3")] == ["0", "1", "2", "3"]
    client.socket.close()


async def test_frames_may_arrive_byte_by_byte(served: Served) -> None:
    client = RawClient(served.port, "ana")
    for byte in b"".join(pushes(2)):
        await client.send_bytes(bytes([byte]))
        await asyncio.sleep(0)
    assert [ref for ref, _ in await replies_to(client, "2")] == ["0", "1", "2"]
    client.socket.close()


async def test_messages_during_a_join_wait_and_are_handled_in_order(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = asyncio.Event()
    newest = served.worker.journal.before

    async def read_later(*args: Any) -> Any:
        await may_read.wait()
        return await newest(*args)

    monkeypatch.setattr(served.worker.journal, "before", read_later)
    client = RawClient(served.port, "ana")
    for each in pushes(20):
        await client.send_bytes(each)
        await asyncio.sleep(0.001)  # several reads, most of them while the join waits
    may_read.set()
    replies = await replies_to(client, "20")
    assert [ref for ref, _ in replies] == [str(number) for number in range(21)]
    assert [payload["response"]["seq"] for _, payload in replies[1:]] == list(range(1, 21))
    client.socket.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0, b"x"), 1002),
        (b"\x81\x01x", 1002),
        (frame(1 | 0x40, b"x"), 1002),
        (frame(8, b"\x00\x00"), 1002),
        (frame(1, b"\xff"), 1007),
        (frame(2, b"x" * (MAX_FRAME_BYTES + 1)), 1009),
    ],
)
async def test_protocol_violation_gets_a_close_frame_and_ends_the_connection(
    served: Served, data: bytes, code: int
) -> None:
    client = RawClient(served.port, "ana")
    await client.read_until(b"\r\n\r\n")
    await client.send_bytes(data)
    answer = await client.read_until(b"\x88")
    assert int.from_bytes(answer[answer.index(b"\x88") + 2 :][:2], "big") == code
    await served.gone(1)
    client.socket.close()


async def test_pings_are_answered_and_a_close_frame_is_echoed(served: Served) -> None:
    client = RawClient(served.port, "ana")
    await client.read_until(b"\r\n\r\n")
    await client.send_bytes(frame(9, b"are you there") + frame(10) + frame(8, b"\x0f\xa1bye"))
    assert await client.read_all() == b"\x8a\x0dare you there" + b"\x88\x02\x0f\xa1"
    await served.gone(1)
    client.socket.close()


ENDS = {
    "close": (frame(CLOSE, b"\x03\xe8"), b"\x88\x02\x03\xe8"),
    "broken frame": (frame(CONTINUATION, b"x"), b"\x88" + bytes([2 + len(BROKEN_FRAME.reason)]) + b"\x03\xea"),
    "text that is not UTF-8": (frame(TEXT, b"\xff"), b"\x88" + bytes([2 + len(INVALID_TEXT.reason)]) + b"\x03\xef"),
    "too big": (frame(BINARY, bytes(MAX_FRAME_BYTES + 1))[:14], b"\x88" + bytes([2 + len(FRAME_TOO_BIG.reason)])),
}


@pytest.mark.parametrize("kind", ENDS)
async def test_replies_due_come_before_the_end_in_the_same_segment(served: Served, kind: str) -> None:
    end, answer = ENDS[kind]
    client = RawClient(served.port, "ana")
    await client.read_until(b"\r\n\r\n")
    await client.send_bytes(b"".join(pushes(5)) + end)
    data = await client.read_all()
    for ref in range(6):
        assert data.index(b'"%d","class:7","phx_reply",{"status":"ok"' % ref) < data.index(answer)
    assert data.count(b"\x88") == 1
    client.socket.close()


async def test_close_code_arrives_although_the_client_still_sends(served: Served) -> None:
    client = RawClient(served.port, "ana")
    await client.read_until(b"\r\n\r\n")
    await client.send_bytes(frame(CONTINUATION, b"x") + bytes(200_000))
    await served.gone(1)
    await client.send_bytes(bytes(200_000))
    assert b"\x03\xea" + BROKEN_FRAME.reason.encode() in await client.read_all()
    client.socket.close()


async def test_frames_in_many_small_packets_cost_more(make_worker: Callable[..., Any]) -> None:
    async with serving(await make_worker()) as served:
        client = RawClient(served.port, "ana")
        await client.read_until(b"\r\n\r\n")
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        (session,) = served.worker.engine._registry.of(1)
        before = session.frames.tokens
        for byte in frame(TEXT, b"[]")[:-1]:  # of eight bytes
            read = session.frames.tokens
            await client.send_bytes(bytes([byte]))
            while session.frames.tokens == read:
                await asyncio.sleep(0)
        assert session.frames.tokens == pytest.approx(before - 7 * READ_COST)
        client.socket.close()


async def test_long_messages_cost_more_than_short_ones(make_worker: Callable[..., Any]) -> None:
    async with serving(await make_worker()) as served:
        client = RawClient(served.port, "ana")
        await client.read_until(b"\r\n\r\n")
        await client.send_bytes(frame(TEXT, b"x" * MAX_FRAME_BYTES) * (int(FRAME_BURST) // 8))
        assert await client.read_until(b"\x88\x11\x03\xf0too many frames")
        client.socket.close()
