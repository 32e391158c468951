"""Our selector gives the results and errors of the standard library's, and an event loop runs on it."""

import asyncio
import os
import random
import selectors
import socket
import sys
from collections.abc import Callable, Iterator
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

import pytest

from server.process import epoll_selector
from server.process.epoll_selector import EpollSelector

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")

BOTH = EVENT_READ | EVENT_WRITE


@pytest.fixture
def selector() -> Iterator[EpollSelector]:
    selector = EpollSelector()
    yield selector
    selector.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, two = socket.socketpair()
    one.setblocking(False)
    with one, two:
        yield one, two


def ready(selector: BaseSelector) -> list[tuple[int, int, Any]]:
    """Return the file descriptors that are ready, with the events and what was registered with them."""
    return sorted((key.fd, events, key.data) for key, events in selector.select(0))


def outcome(call: Callable[..., object], *arguments: object) -> object:
    """Return what a call returns or the type of what it raises."""
    try:
        return call(*arguments)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("seed", range(20))
def test_it_answers_as_the_standard_librarys(seed: int) -> None:
    chance = random.Random(seed)
    ours, theirs = EpollSelector(), selectors.EpollSelector()
    pairs = [socket.socketpair() for _ in range(4)]
    for step in range(200):
        one, two = chance.choice(pairs)
        file = chance.choice([one, one.fileno(), two])
        act = chance.choice(["register", "unregister", "modify", "get_key", "send", "receive", "shut down"])
        if act == "send":
            outcome(two.send, b"x", socket.MSG_DONTWAIT)
        elif act == "receive":
            outcome(one.recv, 10, socket.MSG_DONTWAIT)
        elif act == "shut down":
            if not chance.randrange(10):
                two.shutdown(socket.SHUT_RDWR)
        else:
            # The standard library's `modify` takes whatever it is given.
            events = chance.choice([EVENT_READ, EVENT_WRITE, BOTH, *([0, 8] if act == "register" else [])])
            arguments = (file, events, step) if act in ("register", "modify") else (file,)
            results = [outcome(getattr(selector, act), *arguments) for selector in (ours, theirs)]
            assert results[0] == results[1], (act, arguments)
        assert ready(ours) == ready(theirs), act
        maps = ours.get_map(), theirs.get_map()
        assert dict(maps[0]) == dict(maps[1])
        for known in (one, two, one.fileno(), two.fileno()):
            assert maps[0].get(known) == maps[1].get(known)
            assert (known in maps[0]) == (known in maps[1])
    for each in (*sum(pairs, ()), ours, theirs):
        each.close()


def test_closed_file_is_forgotten_by_its_object(
    selector: EpollSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    one, _ = pair
    key = selector.register(one, EVENT_READ, "data")
    one.close()
    assert selector.get_key(one) == key
    assert selector.unregister(one) == key
    with pytest.raises(KeyError):
        selector.unregister(one)


def test_file_that_was_closed_while_a_duplicate_is_open_is_passed_over(
    selector: EpollSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    one, two = pair
    selector.register(one, EVENT_READ)
    with one.dup():
        one.close()
        selector.unregister(one)
        two.send(b"x")
        assert len(selector._epoll.poll(0)) == 1
        assert ready(selector) == []


@pytest.mark.parametrize("number", [-1, 10**6])
def test_nothing_is_kept_of_a_file_that_is_not_open(selector: EpollSelector, number: int) -> None:
    with pytest.raises((ValueError, OSError)):
        selector.register(number, EVENT_READ)
    assert not selector.get_map()


def test_hang_up_is_told_to_whoever_waits(selector: EpollSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    one, two = pair
    selector.register(one, EVENT_WRITE, "writes")
    one.send(b"x" * 1_000)
    two.close()
    assert ready(selector) == [(one.fileno(), EVENT_WRITE, "writes")]
    selector.modify(one, EVENT_READ, "reads")
    assert ready(selector) == [(one.fileno(), EVENT_READ, "reads")]


def test_it_waits_in_whole_milliseconds_and_not_too_short(selector: EpollSelector) -> None:
    asked: list[float] = []

    class Epoll:
        def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
            assert most == epoll_selector.MAX_EVENTS
            asked.append(timeout)
            return []

        def close(self) -> None:
            pass

    selector._epoll.close()
    selector._epoll = Epoll()  # type: ignore[assignment]
    for timeout in (None, -1.0, 0.0, 0.0001, 0.0011, 2.0):
        assert selector.select(timeout) == []
    assert asked == [-1, 0, 0, 0.001, 0.002, 2.0]


def test_files_past_the_bound_have_the_next_turns(selector: EpollSelector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoll_selector, "MAX_EVENTS", 3)
    pairs = [os.pipe() for _ in range(8)]
    for reads, writes in pairs:
        os.write(writes, b"x")
        selector.register(reads, EVENT_READ)
    seen = [key.fd for _ in range(3) for key, _events in selector.select(0)]
    assert set(seen) == {reads for reads, _ in pairs}
    for number in sum(pairs, ()):
        os.close(number)


def test_an_event_loop_runs_on_it() -> None:
    async def talk() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(2_000_000))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"x" * 2_000_000)
            echoed = await reader.read(-1)
            writer.close()
            await writer.wait_closed()
        process = await asyncio.create_subprocess_exec("true")
        assert await process.wait() == 0
        return echoed

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(EpollSelector())) as runner:
        assert runner.run(talk()) == b"x" * 2_000_000
