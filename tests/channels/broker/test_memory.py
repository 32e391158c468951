"""The broker of one process: what it delivers, and when."""

import asyncio

from channels.broker.memory import MemoryBroker, MemoryBus
from tests.channels.broker.place import Place, envelope


def two_on(bus: MemoryBus) -> tuple[Place, Place]:
    one, two = Place(MemoryBroker(bus)), Place(MemoryBroker(bus))
    for place in (one, two):
        place.start()
        place.broker.subscribe("class:7")
    return one, two


async def test_delivery_comes_in_the_next_turn_of_the_loop() -> None:
    one, two = two_on(MemoryBus())
    one.broker.publish([envelope(1)])
    assert two.got == []
    await asyncio.sleep(0)
    assert two.got == [envelope(1)]


async def test_the_bus_loses_what_a_test_wants_lost() -> None:
    one, two = two_on(MemoryBus(lose=lambda envelope: envelope.seq == 1))
    one.broker.publish([envelope(1), envelope(2)])
    await asyncio.sleep(0)
    assert two.got == [envelope(2)]


async def test_a_closed_broker_receives_nothing() -> None:
    one, two = two_on(MemoryBus())
    await two.broker.close()
    one.broker.publish([envelope(1)])
    await asyncio.sleep(0)
    assert two.got == []


async def test_nothing_has_to_be_looked_for_in_one_process() -> None:
    one, _ = two_on(MemoryBus())
    assert one.broker.check_seconds is None
    assert one.broker.connected
