"""The diary of a page is judged correctly, and the proxy applies the faults that it announces."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.exchange import Lost, exchange
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.verdict import Verdict, judge
from tests.faults.diary import Acknowledged, Diary, Joined, Message, Received, Sent
from tests.faults.network.fault import CALM, FAULTS, KILLED_WORKERS, Fate
from tests.faults.network.page import Page
from tests.faults.network.proxy import Proxy
from tests.faults.network.stock import STOCK_KINDS, Seen, StockClient

TOPIC = "class:1"
Line = dict[str, Any]


def payload(seq: int) -> Line:
    return {"seq": seq, "id": f"ana-{seq}", "author": {"name": "Ana Silva"}, "text": "olá"}


def joined(since: int | None, seq: int, *seqs: int, complete: bool = True) -> Line:
    messages = [payload(each) for each in seqs]
    return {"is": "joined", "since": since, "epoch": "e", "seq": seq, "complete": complete, "messages": messages}


def received(*seqs: int) -> list[Line]:
    return [{"is": "received", "message": payload(seq)} for seq in seqs]


def told(lines: Sequence[Line]) -> Page:
    """Return a page that has reported these lines."""
    page = Page("bruno", "http://x", "token", Timeline(), 1, 1.0)
    page._take({"is": "classes", "topics": [TOPIC]})
    for line in lines:
        page._take({"topic": TOPIC, **line})
    return page


def verdict_of(*lines: Line) -> Verdict:
    """Judge a page that joined at the start and reported these lines; ana sent and saw everything."""
    ana = Diary("ana", [Joined(None, "e", 0, True, [])])
    for seq in (1, 2, 3):
        message = Message(seq, f"ana-{seq}", "ana", "olá")
        ana.entries += [Sent(message.push_id, message.text), Received(message), Acknowledged(message.push_id, seq)]
    page = told([joined(None, 0), *lines])
    return judge({TOPIC: [ana, page.diaries[TOPIC]]}, {TOPIC: 0}, {TOPIC: 3})


@pytest.mark.parametrize(
    "lines",
    [
        received(1, 2, 3),
        [*received(1), joined(1, 3, 2, 3)],
        [joined(0, 3, 3, complete=False), {"is": "read", "after": 0, "messages": [payload(1), payload(2)]}],
    ],
    ids=["live", "on return", "after a hole that was told"],
)
def test_page_with_everything_once_in_order_is_sound(lines: list[Line]) -> None:
    assert verdict_of(*lines).sound


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (received(1, 2), "lost"),
        (received(1, 3), "lost"),
        (received(1, 2, 2, 3), "doubled"),
        ([*received(1, 2), joined(2, 3, 2, 3)], "doubled"),
        (received(1, 3, 2), "out_of_order"),
        ([*received(1), joined(1, 3, 3)], "untrue"),
        ([joined(0, 3, 3, complete=False)], "lost"),
    ],
    ids=["an end", "a middle", "twice live", "live and on return", "order", "an untrue complete", "a hole not filled"],
)
def test_page_with_any_other_diary_is_not_sound(lines: list[Line], what: str) -> None:
    verdict = verdict_of(*lines)
    assert getattr(verdict, what) >= 1
    assert not verdict.sound


def test_join_from_an_older_position_is_detected() -> None:
    assert any(
        "joined from 1 though it stood at 2" in each
        for each in verdict_of(*received(1, 2), joined(1, 3, 2, 3)).breaches
    )


async def test_page_tracks_unanswered_pushes_and_open_gaps() -> None:
    page = told([joined(None, 0), {"is": "sent", "id": "b-1", "text": "oi"}, joined(0, 9, 8, 9, complete=False)])
    assert page._unanswered == {"b-1"}
    assert page.holes == [(TOPIC, 0, 7)]
    page._take({"is": "read", "topic": TOPIC, "after": 0, "messages": [payload(seq) for seq in (1, 2, 3)]})
    page._take({"is": "read", "topic": TOPIC, "after": 3, "messages": None})  # the request failed
    assert page.holes == [(TOPIC, 3, 7)]
    page._take({"is": "read", "topic": TOPIC, "after": 3, "messages": [payload(seq) for seq in (4, 5, 6, 7)]})
    page._take({"is": "acknowledged", "topic": TOPIC, "id": "b-1", "seq": 10})
    assert not page.holes
    assert not page._unanswered


def test_signed_out_page_or_failed_message_is_a_complaint() -> None:
    page = told(
        [
            {"is": "failed", "id": "b-1", "why": "Error"},
            {"is": "closed", "why": "closed"},
        ]
    )
    page._take({"is": "state", "status": "signed_out", "transport": None})
    assert len(page.complaints) == 3


def test_messages_of_a_stock_client_are_counted() -> None:
    client = StockClient("ana", "ws://x", "token", TOPIC, STOCK_KINDS[0], 1, 1.0)
    lines: list[Line] = [
        {"is": "joined", "since": None, "seq": 10, "seqs": [9, 10]},
        {"is": "received", "seq": 11},
        {"is": "received", "seq": 11},
        {"is": "sent", "id": "a"},
        {"is": "sent", "id": "b"},
        {"is": "acknowledged", "id": "a", "seq": 12},
        {"is": "received", "seq": 14},
        {"is": "received", "seq": 12},
        {"is": "joined", "since": 12, "seq": 15, "seqs": [14, 15]},
    ]
    for line in lines:
        client._take(line)
    seen = Seen(
        clients=1, sent=2, acknowledged=1, lost=2, unless_joined=3, doubled=2, out_of_order=1, joins=2
    )  # 13 and 16 never arrived, 15 only in the reply to the join
    assert client.seen(16) == seen


# The network


class Echo:
    """A server that answers a request with the number of bytes in its path, and echoes a WebSocket's data."""

    def __init__(self) -> None:
        self.answered = 0
        self.received_bytes = bytearray()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Upgrade: websocket" in head:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            while data := await reader.read(1000):
                self.received_bytes += data
                writer.write(data)
        else:
            body = b"x" * int(head.split(b" ")[1].strip(b"/"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
            self.answered += 1
        writer.close()


class Place:
    """The echo server behind the proxy."""

    def __init__(self, echo: Echo, proxy: Proxy) -> None:
        self.echo = echo
        self.proxy = proxy

    def all(self, fate: Fate) -> None:
        self.proxy.turn(lambda chance, is_websocket: fate)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a WebSocket."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        writer.write(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1], seed=1) as proxy:
        yield Place(echo, proxy)
    server.close()


async def test_calm_network_passes_everything(place: Place) -> None:
    assert (await exchange(place.proxy.port, "GET", "/100000")).body == b"x" * 100_000
    reader, writer = await place.open()
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_lost_answer_was_sent_by_the_server(place: Place) -> None:
    place.all(Fate(lose=1.0))
    with pytest.raises(Lost):
        await exchange(place.proxy.port, "GET", "/10")
    assert (place.echo.answered, place.proxy.done["answers lost"]) == (1, 1)


async def test_killed_websocket_carries_data_first(place: Place) -> None:
    place.all(Fate(kill=0.2))
    reader, writer = await place.open()
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert place.proxy.done["WebSockets killed"] == 1


async def test_swallowed_websocket_stays_open_without_data(place: Place) -> None:
    place.all(Fate(swallow=True))
    reader, writer = await place.open()
    writer.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    assert not place.echo.received_bytes
    writer.close()


@pytest.mark.parametrize("abruptly", [False, True])
async def test_cut_happens_at_the_given_byte(place: Place, abruptly: bool) -> None:
    head = len(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    place.all(Fate(cut_down=head + 3, abruptly=abruptly))
    reader, writer = await place.open()
    writer.write(b"hello")
    assert await reader.readexactly(3) == b"hel"
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await reader.readexactly(1)
    writer.close()
    place.all(Fate(cut_up=20, abruptly=abruptly))  # in the middle of the request
    with pytest.raises(Lost):
        await exchange(place.proxy.port, "GET", "/10")
    assert place.echo.answered == 0


async def test_delayed_data_stays_in_order(place: Place) -> None:
    place.all(Fate(delay=0.05))
    reader, writer = await place.open()
    for number in range(10):
        writer.write(b"%d" % number)
        await asyncio.sleep(0.005)
    assert await reader.readexactly(10) == b"0123456789"
    writer.close()


async def test_change_of_fault_resets_open_connections(place: Place) -> None:
    reader, writer = await place.open()
    place.all(CALM)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {KILLED_WORKERS}))
def test_seed_determines_the_fates_of_a_fault(fault: str) -> None:
    def fates(seed: int) -> list[Fate]:
        chance = random.Random(seed)
        return [FAULTS[fault](chance, number % 2 == 0) for number in range(200)]

    assert fates(1) == fates(1)
    assert any(fate != CALM for fate in fates(1))
    assert all(fate.kill is None or 0.1 <= fate.kill <= 0.5 for fate in fates(1))
