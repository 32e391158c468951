"""Calls between workers: a call returns the response or raises the reason for its absence."""

import asyncio
from collections.abc import Callable

import pytest

from channels.cluster.rpc import MAX_CHECKS, Rpc, WorkerGone, WorkerUnreachable, channel_of
from channels.limit import MAX_RPC_BYTES


class Wire:
    """The RPC of two workers; the test delivers the messages between them."""

    def __init__(self, serve: "Callable[[bytes], asyncio.Future[bytes]] | None" = None) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.connected = True
        self.one = Rpc("one", self._publish, lambda: self.connected)
        self.two = Rpc("two", self._publish, lambda: self.connected)
        self.two.start(Server(serve or serve_at_once))

    def _publish(self, channel: str, data: bytes) -> None:
        self.sent.append((channel, data))

    def carry(self) -> None:
        """Deliver all messages."""
        sent, self.sent = self.sent, []
        for channel, data in sent:
            (self.one if channel == channel_of("one") else self.two).receive(data)


class Server:
    """A listener that serves requests with a function."""

    def __init__(self, serve: "Callable[[bytes], asyncio.Future[bytes]]") -> None:
        self.serve = serve


def serve_at_once(request: bytes) -> "asyncio.Future[bytes]":
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    answer.set_result(request + b", answered")
    return answer


async def begun(rpc: Rpc, owner: str = "two", request: bytes = b"\xa7request") -> "asyncio.Task[bytes]":
    """Start a call and return once it waits. A request is MessagePack: here a string."""
    asking = asyncio.create_task(rpc.call(owner, request))
    await asyncio.sleep(0)
    return asking


async def carried(wire: Wire) -> None:
    while wire.sent:
        wire.carry()
        await asyncio.sleep(0)


async def test_request_reaches_its_owner_and_the_response_returns() -> None:
    wire = Wire()
    asking = await begun(wire.one)
    assert [channel for channel, _ in wire.sent] == ["worker:two"]
    await carried(wire)
    assert await asking == b"\xa7request, answered"


async def test_each_call_gets_its_own_response_in_any_order() -> None:
    wire = Wire()
    asking = [await begun(wire.one, request=b"\xa1%d" % number) for number in range(9)]
    wire.sent.reverse()
    await carried(wire)
    assert [await each for each in asking] == [b"\xa1%d, answered" % number for number in range(9)]


async def test_call_waits_for_a_slow_response() -> None:
    slow: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    wire = Wire(lambda request: slow)
    asking = await begun(wire.one)
    await carried(wire)
    assert not asking.done()
    slow.set_result(b"at last")
    await asyncio.sleep(0)
    await carried(wire)
    assert await asking == b"at last"


async def test_calls_end_at_once_without_subscribers() -> None:
    wire = Wire()
    asking, other = await begun(wire.one), await begun(wire.one, owner="three")
    wire.one.no_subscribers(channel_of("two"))
    wire.one.no_subscribers("class:7")
    with pytest.raises(WorkerGone):
        await asking
    assert not other.done()
    other.cancel()


async def test_owners_are_probed_while_calls_wait() -> None:
    wire = Wire()
    asking, another = await begun(wire.one), await begun(wire.one)
    wire.sent.clear()
    wire.one.check()
    assert [channel for channel, _ in wire.sent] == ["worker:two"]
    wire.carry()  # a probe has no response
    assert not wire.sent
    wire.one.no_subscribers("worker:two")
    for each in (asking, another):
        with pytest.raises(WorkerGone):
            await each
    wire.one.check()
    assert not wire.sent


async def test_owner_that_does_not_respond_counts_as_gone() -> None:
    wire = Wire()
    asking = await begun(wire.one)
    for _ in range(MAX_CHECKS):
        wire.one.check()
    assert not asking.done()
    wire.one.check()
    with pytest.raises(WorkerGone):
        await asking
    await carried(wire)  # a response after that belongs to no call


async def test_call_fails_unsent_while_the_broker_is_away() -> None:
    wire = Wire()
    wire.connected = False
    with pytest.raises(WorkerUnreachable) as refused:
        await wire.one.call("two", b"\xa1x")
    assert not refused.value.sent
    assert wire.sent == []


@pytest.mark.parametrize("lose", [lambda wire: setattr(wire, "connected", False), lambda wire: wire.one.interrupted()])
async def test_waiting_calls_fail_as_sent_when_the_broker_disconnects(
    lose: Callable[[Wire], None],
) -> None:
    wire = Wire()
    asking = await begun(wire.one)
    wire.one.check()
    assert not asking.done()
    lose(wire)
    wire.one.check()
    with pytest.raises(WorkerUnreachable) as failed:
        await asking
    assert failed.value.sent


async def test_waiting_bytes_are_bounded_and_released() -> None:
    wire = Wire()
    asking = await begun(wire.one, request=b"\xa1x" + bytes(MAX_RPC_BYTES - 2))
    with pytest.raises(WorkerUnreachable):
        await wire.one.call("two", b"\xa1x")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    again = await begun(wire.one)
    wire.sent = wire.sent[-1:]
    await carried(wire)
    assert await again


async def test_unknown_messages_and_responses_are_ignored() -> None:
    wire = Wire()
    asking = await begun(wire.one)
    wire.one.receive(b"\xc1")
    wire.one.receive(b"\x93\xa8response\x63\xc4\x00")
    await carried(wire)
    assert await asking


async def test_owner_logs_a_failed_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    broken.set_exception(RuntimeError("a bug"))
    wire = Wire(lambda request: broken)
    asking = await begun(wire.one)
    await carried(wire)
    assert "could not be served" in caplog.text
    asking.cancel()
