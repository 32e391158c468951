"""The in-memory broker: what it delivers, and in which turn."""

import asyncio

from channels.broker.memory import MemoryBroker, MemoryBus
from tests.channels.broker.place import Place, envelope


def two_on(bus: MemoryBus) -> tuple[Place, Place]:
    one, two = Place(MemoryBroker(bus)), Place(MemoryBroker(bus))
    for place in (one, two):
        place.start()
        place.broker.subscribe("class:7")
    return one, two


async def test_delivery_happens_in_the_next_turn() -> None:
    one, two = two_on(MemoryBus())
    one.broker.publish([envelope(1)])
    assert two.got == []
    await asyncio.sleep(0)
    assert two.got == [envelope(1)]


async def test_bus_drops_the_envelopes_that_a_test_selects() -> None:
    one, two = two_on(MemoryBus(lose=lambda envelope: envelope.seq == 1))
    one.broker.publish([envelope(1), envelope(2)])
    await asyncio.sleep(0)
    assert two.got == [envelope(2)]


async def test_closed_broker_receives_nothing() -> None:
    one, two = two_on(MemoryBus())
    await two.broker.close()
    one.broker.publish([envelope(1)])
    await asyncio.sleep(0)
    assert two.got == []


async def test_memory_broker_needs_no_journal_checks() -> None:
    one, _ = two_on(MemoryBus())
    assert one.broker.check_seconds is None
    assert one.broker.connected
