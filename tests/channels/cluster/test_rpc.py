"""Passing requests between workers: they are answered, or the asker is told plainly why not."""

import asyncio
from collections.abc import Callable

import pytest

from channels.cluster import rpc as relay_module
from channels.cluster.rpc import OwnerGone, Relay, RelayAway, channel_of
from channels.limit import MAX_RELAYED_BYTES


class Wire:
    """What two workers' relays say to each other, handed over by hand."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.away = False
        self.one = Relay("one", self._tell, lambda: self.away)
        self.two = Relay("two", self._tell, lambda: self.away)
        self.two.serve = serve_at_once

    def _tell(self, channel: str, data: bytes) -> None:
        self.said.append((channel, data))

    def carry(self) -> None:
        """Hand over all that was said."""
        said, self.said = self.said, []
        for channel, data in said:
            (self.one if channel == channel_of("one") else self.two).receive(data)


def serve_at_once(request: bytes) -> "asyncio.Future[bytes]":
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    answer.set_result(request + b", answered")
    return answer


async def begun(relay: Relay, owner: str = "two", request: bytes = b"\xa7request") -> "asyncio.Task[bytes]":
    """Ask, as far as the asker has to wait. A request is MessagePack: here a string."""
    asking = asyncio.create_task(relay.ask(owner, request))
    await asyncio.sleep(0)
    return asking


async def carried(wire: Wire) -> None:
    while wire.said:
        wire.carry()
        await asyncio.sleep(0)


async def test_a_request_comes_to_its_owner_and_the_answer_back() -> None:
    wire = Wire()
    asking = await begun(wire.one)
    assert [channel for channel, _ in wire.said] == ["worker:two"]
    await carried(wire)
    assert await asking == b"\xa7request, answered"


async def test_many_requests_get_each_its_own_answer_in_whatever_order_they_come() -> None:
    wire = Wire()
    asking = [await begun(wire.one, request=b"\xa1%d" % number) for number in range(9)]
    wire.said.reverse()
    await carried(wire)
    assert [await each for each in asking] == [b"\xa1%d, answered" % number for number in range(9)]


async def test_an_answer_that_takes_its_time_is_waited_for() -> None:
    wire = Wire()
    slow: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    wire.two.serve = lambda request: slow
    asking = await begun(wire.one)
    await carried(wire)
    assert not asking.done()
    slow.set_result(b"at last")
    await asyncio.sleep(0)
    await carried(wire)
    assert await asking == b"at last"


async def test_where_nobody_hears_the_owner_is_gone_at_once() -> None:
    wire = Wire()
    asking, other = await begun(wire.one), await begun(wire.one, owner="three")
    wire.one.no_subscribers(channel_of("two"))
    wire.one.no_subscribers("class:7")
    with pytest.raises(OwnerGone):
        await asking
    assert not other.done()
    other.cancel()


async def test_while_somebody_waits_it_is_seen_whether_the_owner_is_still_there() -> None:
    wire = Wire()
    asking, another = await begun(wire.one), await begun(wire.one)
    wire.said.clear()
    wire.one.look()
    assert [channel for channel, _ in wire.said] == ["worker:two"]
    wire.carry()  # one that is there hears it, and has nothing to say
    assert not wire.said
    wire.one.no_subscribers("worker:two")
    for each in (asking, another):
        with pytest.raises(OwnerGone):
            await each
    wire.one.look()
    assert not wire.said


async def test_an_owner_that_says_nothing_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "ANSWER_SECONDS", 0.01)
    wire = Wire()
    with pytest.raises(OwnerGone):
        await wire.one.ask("two", b"\xa1x")
    await carried(wire)  # what comes after that is nobody's


async def test_while_the_broker_is_away_nothing_is_sent() -> None:
    wire = Wire()
    wire.away = True
    with pytest.raises(RelayAway) as refused:
        await wire.one.ask("two", b"\xa1x")
    assert not refused.value.sent
    assert wire.said == []


@pytest.mark.parametrize("lose", [lambda wire: setattr(wire, "away", True), lambda wire: wire.one.interrupted()])
async def test_who_waits_while_the_broker_goes_is_told_that_the_answer_may_be_lost(
    lose: Callable[[Wire], None],
) -> None:
    wire = Wire()
    asking = await begun(wire.one)
    wire.one.look()
    assert not asking.done()
    lose(wire)
    wire.one.look()
    with pytest.raises(RelayAway) as failed:
        await asking
    assert failed.value.sent


async def test_no_more_bytes_wait_than_the_bound_and_what_is_answered_counts_no_more() -> None:
    wire = Wire()
    asking = await begun(wire.one, request=b"\xa1x" + bytes(MAX_RELAYED_BYTES - 2))
    with pytest.raises(RelayAway):
        await wire.one.ask("two", b"\xa1x")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    again = await begun(wire.one)
    wire.said = wire.said[-1:]
    await carried(wire)
    assert await again


async def test_what_cannot_be_read_or_is_nobodys_is_passed_over() -> None:
    wire = Wire()
    asking = await begun(wire.one)
    wire.one.receive(b"\xc1")
    wire.one.receive(b"\x93\xa8answered\x63\xc4\x00")
    await carried(wire)
    assert await asking


async def test_a_request_that_fails_at_its_owner_is_logged_there_and_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire = Wire()
    broken: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    broken.set_exception(RuntimeError("a bug"))
    wire.two.serve = lambda request: broken
    asking = await begun(wire.one)
    await carried(wire)
    assert "could not be served" in caplog.text
    asking.cancel()
