"""The poll sessions of several workers: any worker takes any request, and every message arrives once, in order."""

import asyncio
import json
import random
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.cluster import rpc
from channels.errors import Refused
from channels.transports.poll_sessions import LeaveRequest
from tests.channels.support import ANA, BRUNO
from tests.channels.transports.polls import MakeRoom, Place, Poller, until

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

MESSAGES = 60


async def test_an_ended_session_is_removed_after_last_poll_seconds(make_place: MakeRoom) -> None:
    place = await make_place(last_poll_seconds=0.01)
    ana = Poller(place)
    await place.worker.engine.drain(0.01)
    await until(lambda: not place.room._by_name)
    assert await ana.answer() == {"status": 410, "token": None, "messages": []}
    assert not place.room._ended


async def test_another_roles_endpoint_finds_no_session(place: Place) -> None:
    ana = Poller(place)
    ana._role = "teacher"
    assert (await ana.answer())["status"] == 410


async def test_sessions_of_one_address_are_bounded(make_place: MakeRoom) -> None:
    place = await make_place(max_sessions_of_address=2)
    ana = Poller(place)
    Poller(place, who=BRUNO)
    with pytest.raises(Refused) as refused:
        Poller(place)
    assert refused.value.code == "overloaded"
    await ana.ask(lambda token: LeaveRequest(token.session, "student"))
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    Poller(place)


async def test_an_address_is_removed_with_its_last_session(place: Place) -> None:
    ana, bruno = Poller(place), Poller(place, who=BRUNO)
    for left, poller in ((1, ana), (0, bruno)):
        await poller.ask(lambda token: LeaveRequest(token.session, "student"))
        await until(lambda left=left: place.room._addresses["127.0.0.1"] == left)  # type: ignore[misc]
    assert not place.room._addresses


async def test_the_end_of_a_session_touches_no_other_address(place: Place) -> None:
    ana = Poller(place)
    addresses = place.room._addresses
    addresses["192.0.2.1"] = 0  # a walk over all addresses would remove it
    await ana.ask(lambda token: LeaveRequest(token.session, "student"))
    await until(lambda: "127.0.0.1" not in place.room._addresses)
    assert place.room._addresses is addresses
    assert "192.0.2.1" in addresses


async def test_a_stopping_worker_answers_the_polls_it_holds(place: Place) -> None:
    ana = Poller(place)
    polling = ana.poll()
    place.room.release()
    assert json.loads(await polling)["status"] == 204


# Any worker


async def test_each_request_may_go_to_another_worker(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    places = [await make_place(bus) for _ in range(3)]
    ana, bruno = Poller(*places), Poller(*places, who=BRUNO, owner=places[1])
    await ana.join()
    await bruno.join()
    for number in range(20):
        assert (await ana.say(str(number), f"m{number}"))["status"] == "ok"
    while len(bruno.texts()) < 20:
        await bruno.answer()
    while len(ana.texts()) < 20:
        await ana.answer()
    assert ana.texts() == bruno.texts() == [str(number) for number in range(20)]


async def test_requests_to_a_closed_worker_get_410_at_once(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    await one.worker.engine.close()
    assert await ana.answer() == {"status": 410, "token": None, "messages": []}
    assert await ana.push(["1", "1", "class:7", "phx_join", {}]) == {"status": 410, "token": None, "messages": []}


async def test_a_poll_held_by_a_dying_worker_gets_410(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    polling = ana.poll()
    await until(lambda: bool(one.room._held))
    bus.brokers.discard(one.worker.broker)  # as if it had been killed: it no longer responds
    assert await asyncio.wait_for(ana.answer(polling), 5) == {"status": 410, "token": None, "messages": []}


async def test_a_worker_that_does_not_respond_counts_as_gone(make_place: MakeRoom) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.topic.startswith("worker:"))
    one, two = [await make_place(bus, periods={"sweep_seconds": 0.001}) for _ in range(2)]
    ana = Poller(two, owner=one)
    assert (await ana.answer())["status"] == 410


async def test_a_poll_answer_lost_between_workers_is_sent_again(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    bus.lose = lambda envelope: envelope.topic == rpc.channel_of(two.room._rpc.worker)
    polling = ana.poll()
    await asyncio.sleep(0.05)  # long enough for an answer to be lost; otherwise the token would differ
    bus.lose = lambda envelope: False
    two.room._rpc.interrupted()  # as after a new connection to the broker
    token = ana.token
    assert await ana.answer(polling) == {"status": 204, "token": token, "messages": []}
    assert (await ana.reply("1"))["status"] == "ok"


async def test_without_a_broker_polls_are_repeated_and_pushes_get_503(
    make_place: MakeRoom,
) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus, periods={"away_seconds": 0.01}) for _ in range(2)]
    ana = Poller(two, owner=one)
    await two.worker.broker.close()
    token = ana.token
    assert await ana.answer() == {"status": 204, "token": token, "messages": []}
    assert await ana.push(["1", "1", "class:7", "phx_join", {}]) == {
        "status": 503,
        "code": "unavailable",
        "retry_after": 10,
    }


async def test_push_answer_lost_between_workers_gives_500(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    bus.lose = lambda envelope: envelope.topic == rpc.channel_of(two.room._rpc.worker)
    pushing = asyncio.create_task(ana.push(["1", "1", "class:7", "phx_join", {}]))
    topics = one.worker.engine._hub.topics
    await until(lambda: "class:7" in topics and topics["class:7"].audience == 1)
    two.room._rpc.interrupted()
    assert (await pushing)["status"] == 500


# Polls that are repeated, cancelled, overtaken and lost at random


class Careless(Poller):
    """A client that loses answers, hangs up, and asks several workers at once; which answer arrives first counts."""

    def __init__(self, chance: random.Random, *places: Place, **options: Any) -> None:
        super().__init__(*places, **options)
        self._chance = chance
        self.lost = 0

    async def listen(self, count: int) -> None:
        """Poll until so many messages have come."""
        while len(self.texts()) < count:
            polls = [self.poll() for _ in range(self._chance.choice((1, 1, 1, 2, 3)))]
            for _ in range(self._chance.choice((0, 0, 1, 3))):
                await asyncio.sleep(0)
            kept = [poll for poll in polls if self._chance.random() < 0.8]
            done, _ = await asyncio.wait(kept, return_when=asyncio.FIRST_COMPLETED) if kept else (set(), None)
            for poll in set(polls) - done:
                poll.cancel()
            if done and self._chance.random() < 0.7:
                await self.answer(self._chance.choice(sorted(done, key=kept.index)))
            else:
                self.lost += len(done)


@pytest.mark.parametrize("seed", range(6))
async def test_a_careless_client_receives_every_message_once_in_order(make_place: MakeRoom, seed: int) -> None:
    chance = random.Random(seed)
    bus = MemoryBus()
    places = [await make_place(bus, poll_seconds=0.5) for _ in range(3)]
    ana = Careless(chance, *places, owner=chance.choice(places))
    bruno = Poller(*places, who=BRUNO, owner=chance.choice(places))
    await ana.join()
    await bruno.join()
    listening = asyncio.create_task(ana.listen(MESSAGES))
    for number in range(MESSAGES):
        await bruno.say(str(number), f"m{number}")
    async with asyncio.timeout(60):
        await listening
    assert ana.texts() == [str(number) for number in range(MESSAGES)]
    assert ana.lost > 0
