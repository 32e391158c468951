"""Long-polling without HTTP: what a poll is answered, what is kept, and that any worker may be asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from channels import limit
from channels.broker.memory import MemoryBus
from channels.cluster import rpc
from channels.errors import Refused
from channels.limit import FRAME_BURST, MAX_EPHEMERAL, MAX_PUSHES_WAITING, Limits
from channels.member import Member
from channels.transports.poll_session import PollBounds
from channels.transports.poll_sessions import LeaveRequest, PollRequest, PollSessions, PushRequest
from channels.transports.poll_token import PollToken
from tests.channels.support import ANA, BRUNO, PAULA, Frame, Worker

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

LIMITS = Limits(push_rate=0, max_outbox_bytes=20_000)

MakeRoom = Callable[..., Any]


class Place:
    """A worker with its poll sessions."""

    def __init__(self, worker: Worker, bounds: PollBounds, periods: dict[str, float]) -> None:
        self.worker = worker
        self.room = PollSessions(worker.engine, bounds, **periods)


@pytest.fixture
async def make_place(make_worker: MakeRoom) -> AsyncIterator[MakeRoom]:
    places: list[Place] = []

    async def make(
        bus: MemoryBus | None = None, limits: Limits = LIMITS, *, periods: dict[str, float] | None = None, **bounds: Any
    ) -> Place:
        places.append(Place(await make_worker(bus, limits=limits), PollBounds(**bounds), periods or {}))
        places[-1].room.start()
        return places[-1]

    yield make
    for place in places:
        await place.room.close()


@pytest.fixture
async def place(make_place: MakeRoom) -> Place:
    made: Place = await make_place()
    return made


class Poller:
    """A client that polls: it shows its token to any of the places, one after the other."""

    def __init__(self, *places: Place, who: Member = ANA, owner: Place | None = None) -> None:
        self._places = places
        self._turn = 0
        self._role = who.user.role
        self.frames: list[Frame] = []
        opened = (owner or places[0]).room.open(who, 0, "127.0.0.1", in_objects=False)
        self.token: str = self._read(opened)["token"]

    def _read(self, body: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _room(self) -> PollSessions:
        self._turn += 1
        return self._places[self._turn % len(self._places)].room

    def ask(self, request: Callable[[PollToken], Any]) -> "asyncio.Future[bytes]":
        room = self._room()
        token = room.read(self.token)
        assert token is not None
        return room.ask(token, request(token))

    def poll(self) -> "asyncio.Future[bytes]":
        return self.ask(lambda token: PollRequest(token.session, self._role, token.answer))

    async def answer(self, polling: "asyncio.Future[bytes] | None" = None) -> dict[str, Any]:
        """Wait for a poll's answer, and take it: the token is the next one's."""
        async with asyncio.timeout(20):
            answer = self._read(await (polling or self.poll()))
        if answer["status"] in (200, 204):
            self.token = answer["token"]
        self.frames += [tuple(json.loads(text)) for text in answer["messages"]]
        return answer

    async def push(self, *frames: list[Any]) -> dict[str, Any]:
        lines = [json.dumps(frame).encode() for frame in frames]
        async with asyncio.timeout(20):
            return self._read(await self.ask(lambda token: PushRequest(token.session, self._role, lines)))

    async def join(self, topic: str = "class:7", **params: Any) -> dict[str, Any]:
        assert await self.push(["1", "1", topic, "phx_join", params]) == {"status": 200}
        return await self.reply("1")

    async def reply(self, ref: str) -> dict[str, Any]:
        payload: dict[str, Any] = await self.until(lambda frame: frame[1] == ref and frame[3] == "phx_reply")
        return payload

    async def until(self, wanted: Callable[[Frame], bool]) -> Any:
        while True:
            for frame in self.frames:
                if wanted(frame):
                    return frame[4]
            await self.answer()

    async def say(self, text: str, ref: str = "9") -> dict[str, Any]:
        """Send a message, and return the answer to the push."""
        assert await self.push(["1", ref, "class:7", "message:send", {"text": text}]) == {"status": 200}
        return await self.reply(ref)

    def texts(self) -> list[str]:
        return [frame[4]["text"] for frame in self.frames if frame[3] == "message:sent"]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.005)


# What a poll is answered


async def test_a_poller_joins_speaks_and_hears(place: Place) -> None:
    ana, bruno = Poller(place), Poller(place, who=BRUNO)
    assert (await ana.join())["status"] == (await bruno.join())["status"] == "ok"
    assert (await ana.say("bom dia"))["response"]["seq"] == 1
    message = await bruno.until(lambda frame: frame[3] == "message:sent")
    assert (message["text"], message["author"]["name"], message["seq"]) == ("bom dia", "Ana", 1)


async def test_a_poll_is_held_until_something_comes(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    await ana.until(lambda frame: frame[3] == "presence_diff")
    polling = ana.poll()
    paula = place.worker.connect(PAULA)
    await asyncio.sleep(0)
    assert not polling.done()
    await paula.ok("class:7", "phx_join")
    answer = await ana.answer(polling)
    assert json.loads(answer["messages"][0])[3] == "presence_diff"


async def test_a_held_poll_is_answered_nothing_under_the_same_token(
    make_place: MakeRoom,
) -> None:
    place = await make_place(poll_seconds=0.01)
    ana = Poller(place)
    token = ana.token
    assert await ana.answer() == {"status": 204, "token": token, "messages": []}


async def test_what_an_answer_carried_comes_again_until_the_next_poll_says_that_it_arrived(place: Place) -> None:
    ana = Poller(place)
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    lost = await ana.poll()
    assert await ana.poll() == await ana.poll() == lost
    answer = json.loads(lost)
    assert answer["messages"]
    # What comes meanwhile does not change it.
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    assert await ana.poll() == lost
    await ana.answer()
    following = await ana.answer()
    assert following["token"] != answer["token"]
    assert not set(following["messages"]) & set(answer["messages"])


async def test_a_poll_that_its_own_successors_have_overtaken_gets_nothing(place: Place) -> None:
    ana = Poller(place)
    first = ana.token
    await ana.join()
    await ana.say("oi")
    ana.token = first
    assert (await ana.answer())["status"] == 410


async def test_a_client_that_polls_again_has_given_up_its_last_poll(place: Place) -> None:
    ana = Poller(place)
    older, newer = ana.poll(), ana.poll()
    assert json.loads(await older)["status"] == 204
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    assert json.loads(await newer)["status"] == 200


async def test_who_hangs_up_finds_what_came_meanwhile(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    ana.poll().cancel()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "message:send", {"text": "lição"})
    await ana.until(lambda frame: frame[3] == "message:sent")
    assert ana.texts() == ["lição"]


async def test_answers_that_would_follow_at_once_gather_what_comes(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    answers = 0
    for number in range(200):
        await paula.send("class:7", "message:send", {"text": str(number)})
    while len(ana.texts()) < 200:
        await ana.answer()
        answers += 1
    assert ana.texts() == [str(number) for number in range(200)]
    assert answers < 100


async def test_the_ephemeral_waits_for_the_next_poll_but_not_without_bound(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(MAX_EPHEMERAL + 10):
        await paula.ok("class:7", "typing:start")
    await ana.until(lambda frame: frame[3] == "typing:started")
    assert len([frame for frame in ana.frames if frame[3] == "typing:started"]) == MAX_EPHEMERAL


# What is pushed


async def test_frames_of_one_push_are_done_in_order(place: Place) -> None:
    ana = Poller(place)
    sends = [["1", str(number), "class:7", "message:send", {"text": str(number)}] for number in range(2, 30)]
    assert await ana.push(["1", "1", "class:7", "phx_join", {}], *sends) == {"status": 200}
    await ana.reply("29")
    while len(ana.texts()) < 28:
        await ana.answer()
    assert ana.texts() == [str(number) for number in range(2, 30)]


async def test_a_frame_that_cannot_be_read_is_refused_and_the_others_are_done(place: Place) -> None:
    ana = Poller(place)
    request = [b"[nonsense", b'["1","1","class:7","phx_join",{}]']
    body = await ana.ask(lambda token: PushRequest(token.session, "student", request))
    assert json.loads(body) == {"status": 200}
    assert (await ana.reply("1"))["status"] == "ok"
    assert ana.frames[0][3:] == (
        "phx_reply",
        {"status": "error", "response": ana.frames[0][4]["response"]},
    )
    assert ana.frames[0][4]["response"]["code"] == "bad_frame"


async def test_replies_that_do_not_fit_hold_the_next_frames_back_until_a_poll_takes_them(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=1_000)
    ana = Poller(place)
    await ana.join()
    for number in range(10):
        await ana.say("x" * 1_000, f"m{number}")
    reads = [["1", f"r{number}", "class:7", "history:read", {"after": 0}] for number in range(30)]
    pushing = asyncio.create_task(ana.push(*reads))  # 300 KB of replies, where 20 KB may wait
    assert (await ana.reply("r29"))["status"] == "ok"
    assert await pushing == {"status": 200}


async def test_a_push_waits_only_so_long_for_polls(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=10, push_seconds=0.05)
    ana = Poller(place)
    assert await ana.push(["1", "1", "class:7", "phx_join", {}], ["1", "2", "class:7", "phx_leave", {}]) == {
        "status": 408
    }


async def test_no_more_pushes_wait_than_the_bound(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=10)
    ana = Poller(place)
    first = asyncio.create_task(ana.push(["1", "1", "class:7", "phx_join", {}]))
    await until(lambda: bool(place.room._tasks))
    others = [asyncio.create_task(ana.push([None, "h", "phoenix", "heartbeat", {}])) for _ in range(MAX_PUSHES_WAITING)]
    assert await others[-1] == {"status": 408}
    polling = asyncio.create_task(ana.until(lambda frame: frame[1] == "h"))
    assert await first == await others[0] == {"status": 200}
    await polling


# The end


async def test_a_session_that_overflows_is_ended_and_its_memory_given_back(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(8):
        await paula.ok("class:7", "message:send", {"text": "x" * 4_000})
    answer = await ana.answer()
    assert (answer["status"], answer["code"], answer["token"], answer["messages"]) == (410, 4008, None, [])
    # It comes back from its position.
    again = Poller(place)
    response = (await again.join(since=0))["response"]
    assert (len(response["events"]), response["complete"]) == (8, True)


async def test_a_reply_larger_than_the_bound_still_gets_through(place: Place) -> None:
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(8):
        await paula.ok("class:7", "message:send", {"text": "x" * 4_000})
    ana = Poller(place)
    assert len((await ana.join())["response"]["events"]) == 8


async def test_a_session_that_ends_tells_its_last_messages_and_then_why(place: Place) -> None:
    ana = Poller(place)
    await ana.join("user:me")
    del place.worker.authority.members["ana"]
    await place.worker.engine.revalidate({1})
    await ana.until(lambda frame: frame[3] == "session:ended")
    answer = await ana.answer()
    assert (answer["status"], answer["code"], answer["token"]) == (410, 4001, None)
    assert await ana.push(["1", "2", "user:me", "phx_join", {}]) == {
        "status": 410,
        "token": None,
        "messages": [],
        "code": 4001,
        "reason": "signed out",
    }


async def test_who_polls_while_it_ends_is_told_at_once(place: Place) -> None:
    ana = Poller(place)
    polling = ana.poll()
    await place.worker.engine.drain(0.01)
    assert (await ana.answer(polling))["code"] == 1012
    assert place.worker.engine.connections_of(ANA) == 0


async def test_an_ended_session_is_forgotten_after_a_while(make_place: MakeRoom) -> None:
    place = await make_place(last_poll_seconds=0.01)
    ana = Poller(place)
    await place.worker.engine.drain(0.01)
    await until(lambda: not place.room._by_name)
    assert await ana.answer() == {"status": 410, "token": None, "messages": []}
    assert not place.room._ended


async def test_a_page_that_goes_away_takes_its_session_with_it(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    body = await ana.ask(lambda token: LeaveRequest(token.session, "student"))
    assert json.loads(body) == {"status": 200}
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    assert (await ana.answer())["code"] == 1000


async def test_a_session_without_polls_falls_silent(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    place.worker.clock.now += limit.LONGPOLL_IDLE_SECONDS + 1
    place.worker.engine._sweep()
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    while (answer := await ana.answer())["status"] == 200:
        pass
    assert answer["code"] == 4009


async def test_a_client_that_polls_without_pause_is_ended(make_place: MakeRoom) -> None:
    place = await make_place(limits=Limits())
    ana = Poller(place)
    for _ in range(int(FRAME_BURST) + 1):
        ana.poll()
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    assert (await ana.answer())["code"] == 1008


async def test_another_roles_address_leads_to_no_session(place: Place) -> None:
    ana = Poller(place)
    ana._role = "teacher"
    assert (await ana.answer())["status"] == 410


async def test_so_many_sessions_come_from_one_address_and_no_more(make_place: MakeRoom) -> None:
    place = await make_place(max_sessions_of_address=2)
    ana = Poller(place)
    Poller(place, who=BRUNO)
    with pytest.raises(Refused) as refused:
        Poller(place)
    assert refused.value.code == "overloaded"
    await ana.ask(lambda token: LeaveRequest(token.session, "student"))
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    Poller(place)


async def test_an_address_is_forgotten_with_its_last_session(place: Place) -> None:
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


async def test_a_worker_that_stops_lets_go_of_the_polls_it_holds(place: Place) -> None:
    ana = Poller(place)
    polling = ana.poll()
    place.room.release()
    assert json.loads(await polling)["status"] == 204


# Any worker


async def test_every_request_may_go_to_another_worker(make_place: MakeRoom) -> None:
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


async def test_whose_owner_is_gone_is_told_so_at_once(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    await one.worker.engine.close()
    assert await ana.answer() == {"status": 410, "token": None, "messages": []}
    assert await ana.push(["1", "1", "class:7", "phx_join", {}]) == {"status": 410, "token": None, "messages": []}


async def test_whose_poll_is_held_by_an_owner_that_dies_is_told_so_soon(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    polling = ana.poll()
    await until(lambda: bool(one.room._held))
    bus.brokers.discard(one.worker.broker)  # as if it had been killed: it says nothing any more
    assert await asyncio.wait_for(ana.answer(polling), 5) == {"status": 410, "token": None, "messages": []}


async def test_an_owner_that_does_not_answer_counts_as_gone(make_place: MakeRoom) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.topic.startswith("worker:"))
    one, two = [await make_place(bus, periods={"sweep_seconds": 0.001}) for _ in range(2)]
    ana = Poller(two, owner=one)
    assert (await ana.answer())["status"] == 410


async def test_a_poll_whose_answer_got_lost_between_workers_is_asked_again(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    bus.lose = lambda envelope: envelope.topic == rpc.channel_of(two.room._rpc.worker)
    polling = ana.poll()
    await asyncio.sleep(0.05)  # long enough for an answer to be lost; were it not, the token would tell
    bus.lose = lambda envelope: False
    two.room._rpc.interrupted()  # as after a new connection to the broker
    token = ana.token
    assert await ana.answer(polling) == {"status": 204, "token": token, "messages": []}
    assert (await ana.reply("1"))["status"] == "ok"


async def test_while_the_broker_is_away_a_poll_may_be_repeated_and_a_push_has_not_been_made(
    make_place: MakeRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus, periods={"away_seconds": 0.01}) for _ in range(2)]
    ana = Poller(two, owner=one)
    monkeypatch.setattr(two.room._rpc, "_connected", lambda: False)
    token = ana.token
    assert await ana.answer() == {"status": 204, "token": token, "messages": []}
    assert await ana.push(["1", "1", "class:7", "phx_join", {}]) == {
        "status": 503,
        "code": "unavailable",
        "retry_after": 10,
    }


async def test_a_push_whose_answer_got_lost_between_workers_may_have_been_made(make_place: MakeRoom) -> None:
    bus = MemoryBus()
    one, two = [await make_place(bus) for _ in range(2)]
    ana = Poller(two, owner=one)
    bus.lose = lambda envelope: envelope.topic == rpc.channel_of(two.room._rpc.worker)
    pushing = asyncio.create_task(ana.push(["1", "1", "class:7", "phx_join", {}]))
    topics = one.worker.engine._hub.topics
    await until(lambda: "class:7" in topics and topics["class:7"].audience == 1)
    two.room._rpc.interrupted()
    assert (await pushing)["status"] == 500
