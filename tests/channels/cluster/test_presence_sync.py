"""Presence and counts over several workers, with a lossy bus and clocks that the test sets."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBus
from channels.cluster.presence_sync import PRESENCE_CHANNEL, SILENT_BEATS
from channels.engine.engine import SHARE_SECONDS, Periods
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker
from tests.dashboard import SeenSchool

MakeWorker = Callable[..., Awaitable[Worker]]

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


def here(client: Client) -> set[str]:
    """Return the present users as a Phoenix client computes them: the state, then every diff, joins before leaves."""
    (state,) = client.got("presence_state")
    refs = {user: {meta["phx_ref"] for meta in entry["metas"]} for user, entry in state.items()}
    for diff in client.got("presence_diff"):
        for user, entry in diff["joins"].items():
            refs.setdefault(user, set()).update(meta["phx_ref"] for meta in entry["metas"])
        for user, entry in diff["leaves"].items():
            refs[user] -= {meta["phx_ref"] for meta in entry["metas"]}
    return {user for user, known in refs.items() if known}


async def shows(client: Client, *users: str) -> None:
    await client.until(lambda frame: here(client) == set(users))


def beat(*workers: Worker) -> None:
    for worker in workers:
        worker.engine._presence_sync.beat()


async def two_in_a_class(make_worker: MakeWorker, **options: object) -> tuple[Worker, Worker, Client, Client]:
    """Return two workers with one client each; both clients see each other."""
    bus = MemoryBus()
    one, two = await make_worker(bus, **options), await make_worker(bus, **options)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    await shows(ana, "1", "2")
    await shows(bruno, "1", "2")
    return one, two, ana, bruno


async def test_users_of_other_workers_are_present(make_worker: MakeWorker) -> None:
    _, _, ana, bruno = await two_in_a_class(make_worker)
    ana.gone()
    await shows(bruno, "2")


async def test_change_on_another_worker_is_sent_before_the_next_beat(make_worker: MakeWorker) -> None:
    _, _, ana, bruno = await two_in_a_class(make_worker, periods=Periods(beat=60))
    ana.gone()
    await shows(bruno, "2")


async def test_worker_that_starts_later_receives_the_presence(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one = await make_worker(bus)
    ana = one.connect(ANA)
    await ana.ok("class:7", "phx_join")
    two = await make_worker(bus)
    bruno = two.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")
    beat(one)
    await shows(bruno, "1", "2")


async def test_lost_changes_are_requested_again(make_worker: MakeWorker) -> None:
    losing = True
    bus = MemoryBus(lose=lambda envelope: losing)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")
    await ana.ok("class:7", "phx_join")
    await shows(bruno, "2")
    losing = False
    beat(one)
    await shows(bruno, "1", "2")


async def test_silent_worker_is_dropped_and_restored_on_its_return(make_worker: MakeWorker) -> None:
    one, two, _, bruno = await two_in_a_class(make_worker)
    for _ in range(SILENT_BEATS + 1):
        beat(two)
    await shows(bruno, "2")
    beat(one)
    await shows(bruno, "1", "2")


async def test_stalled_event_loop_drops_no_worker(make_worker: MakeWorker) -> None:
    _, two, _, bruno = await two_in_a_class(make_worker)
    two.clock.now += 60
    beat(two)  # runs before the messages that the others sent meanwhile are read
    await bruno.ok("phoenix", "heartbeat")
    assert here(bruno) == {"1", "2"}


async def test_users_of_a_closed_worker_leave_at_once(make_worker: MakeWorker) -> None:
    one, _, _, bruno = await two_in_a_class(make_worker)
    await one.engine.close()
    await shows(bruno, "2")


@pytest.mark.parametrize("seed", range(3))
async def test_workers_converge_on_the_same_presence_after_losses(make_worker: MakeWorker, seed: int) -> None:
    chance = random.Random(seed)
    losing = True

    def lose(envelope: Envelope) -> bool:
        return losing and envelope.topic == PRESENCE_CHANNEL and chance.random() < 0.5

    bus = MemoryBus(lose)
    workers = [await make_worker(bus) for _ in range(3)]
    watchers = [worker.connect(DIRETORA) for worker in workers]
    for watcher in watchers:
        await watcher.ok("class:7", "phx_join", {"present": False})
    clients: list[tuple[str, Client]] = []
    for _ in range(60):
        if clients and chance.random() < 0.5:
            clients.pop(chance.randrange(len(clients)))[1].gone()
        else:
            who = chance.choice((ANA, BRUNO, PAULA))
            clients.append((str(who.user.id), chance.choice(workers).connect(who)))
            await clients[-1][1].ok("class:7", "phx_join")
        if chance.random() < 0.3:
            beat(*workers)
    losing = False
    for worker in workers:
        worker.clock.now += 2  # past the timeout of an unanswered request
    beat(*workers)
    for watcher in watchers:
        await shows(watcher, *{user for user, _ in clients})


async def test_dashboard_totals_cover_all_workers(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
    ana, paula, diretora = one.connect(ANA), two.connect(PAULA), two.connect(DIRETORA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x"})
    await paula.ok("class:7", "message:send", {"text": "y"})
    school = SeenSchool((await diretora.ok("dashboard", "phx_join"))["state"]["dashboard"])
    applied = 0
    async with asyncio.timeout(10):
        while (school.totals["connections"], _numbers(school.classes[7])) != (3, (1, 1, 2)):
            await diretora.has(applied + 1, "dashboard:changed")
            school.apply(diretora.got("dashboard:changed")[applied])
            applied += 1


def _numbers(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["students_online"], row["teachers_online"], sum(row["messages"])


async def test_counts_of_a_large_class_cover_all_workers(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
    ana, diretora = one.connect(ANA), two.connect(DIRETORA)
    await diretora.ok("class:9", "phx_join", {"present": False})
    await ana.ok("class:9", "phx_join")
    await diretora.until(lambda frame: frame[3] == "presence_count" and frame[4] == {"users": {"student": 1}})


async def test_typing_and_read_marks_reach_other_workers(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno, elsewhere = one.connect(ANA), two.connect(BRUNO), two.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    await elsewhere.ok("user:me", "phx_join")
    await ana.ok("class:7", "typing:start")
    await ana.ok("class:7", "message:send", {"text": "x"})
    await ana.ok("class:7", "read:mark", {"seq": 1})
    assert (await bruno.has(1, "typing:started"))[0]["user"]["name"] == "Ana"
    assert (await elsewhere.has(1, "read:marked"))[0] == {"topic": "class:7", "seq": 1}


async def test_messages_of_another_version_are_ignored(worker: Worker) -> None:
    worker.engine._bus.received(
        [
            Envelope(PRESENCE_CHANNEL, "", b"\x91\xa6whatis"),
            Envelope("class:7", "message:sent", b"{}", 1),
        ]
    )
    beat(worker)


async def test_many_who_come_are_shared_in_few_messages(make_worker: MakeWorker) -> None:
    shared: list[bytes] = []

    def note(envelope: Envelope) -> bool:
        shared.append(envelope.payload)
        return False

    bus = MemoryBus(lose=note)
    worker, _ = await make_worker(bus, periods=Periods(beat=60)), await make_worker(bus, periods=Periods(beat=60))
    shared.clear()
    began = asyncio.get_running_loop().time()
    for _ in range(100):
        client = worker.connect(ANA)
        await asyncio.sleep(0.001)
        client.gone()
    lasted = asyncio.get_running_loop().time() - began
    # One at once, one at the end, and timers end up to a millisecond early.
    assert 1 <= len([each for each in shared if b"changed" in each]) <= lasted / SHARE_SECONDS + 2
