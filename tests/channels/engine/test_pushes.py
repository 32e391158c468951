"""What pushes do: rights, payloads, order, retries."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBus
from channels.journal.entry import Group, Mark, Snapshot, Spells, Stored, Writer
from channels.limit import MAX_TEXT_CHARACTERS, Limits
from channels.wire.codec import JSON, MESSAGE_PACK, Wire
from tests.channels.support import (
    ANA,
    BRUNO,
    DIRETORA,
    PAULA,
    MakeWorker,
    Worker,
    member,
    writer_for,
)


@pytest.fixture(params=[JSON, MESSAGE_PACK], ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param  # type: ignore[no-any-return]


async def test_message_is_acknowledged_and_reaches_the_class(worker: Worker, wire: Wire) -> None:
    ana, bruno = worker.connect(ANA, wire), worker.connect(BRUNO, wire)
    joined = await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    reply = await ana.ok("class:7", "message:send", {"text": " Olá! ", "id": "a-1"})
    (message,) = await bruno.has(1)
    assert joined["seq"] == 0
    assert joined["events"] == []
    assert joined["complete"] is True
    assert reply["seq"] == 1
    assert message == {
        "text": "Olá!",
        "author": {"id": 1, "name": "Ana", "role": "student"},
        "id": "a-1",
        "seq": 1,
        "at": reply["at"],
    }
    assert (await ana.has(1)) == [message]


async def test_retried_push_counts_once(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    first = await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "x"})
    again = await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "x"})
    other = await bruno.ok("class:7", "message:send", {"text": "de outro", "id": "x"})
    assert again == first
    assert other["seq"] == 2
    assert [message["text"] for message in await bruno.has(2)] == ["uma vez", "de outro"]


async def test_pushes_sent_without_waiting_keep_their_order(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(25):
        await ana.send("class:7", "message:send", {"text": str(number)})
    assert [message["text"] for message in await ana.has(25)] == [str(number) for number in range(25)]
    assert [message["seq"] for message in ana.got("message:sent")] == list(range(1, 26))


@pytest.mark.parametrize(
    ("who", "topic", "event", "code"),
    [
        (ANA, "class:7", "announcement:send", "forbidden"),
        (ANA, "class:7", "receipts:read", "forbidden"),
        (ANA, "school", "announcement:send", "forbidden"),
        (ANA, "school", "message:send", "forbidden"),
        (PAULA, "school", "announcement:send", "forbidden"),
        (DIRETORA, "dashboard", "message:send", "forbidden"),
        (ANA, "class:7", "message:sent", "unknown_event"),
        (ANA, "class:7", "phx_reply", "unknown_event"),
    ],
)
async def test_push_without_right_is_refused(worker: Worker, who: Any, topic: str, event: str, code: str) -> None:
    client = worker.connect(who)
    await client.ok(topic, "phx_join")
    assert await client.refused(topic, event, {"text": "?"}) == code


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": ""},
        {"text": " \n\t "},
        {"text": 5},
        {"text": "x" * (MAX_TEXT_CHARACTERS + 1)},
        {"text": "x", "colour": "red"},
        {"text": "x", "id": ""},
        {"text": "x", "id": "a b"},
        {"text": "x", "id": "nul\x00"},
        {"text": "x", "id": "i" * 65},
        [],
        None,
    ],
)
async def test_payload_of_the_wrong_type_is_refused_and_not_stored(worker: Worker, payload: Any, wire: Wire) -> None:
    ana = worker.connect(ANA, wire)
    await ana.ok("class:7", "phx_join")
    assert await ana.refused("class:7", "message:send", payload) == "bad_payload"
    assert (await ana.ok("class:7", "message:send", {"text": "x" * MAX_TEXT_CHARACTERS}))["seq"] == 1


async def test_text_is_stored_and_sent_as_typed(worker: Worker, wire: Wire) -> None:
    ana = worker.connect(ANA, wire)
    await ana.ok("class:7", "phx_join")
    text = '<img src=x onerror=alert(1)> "\\\u2028\x00 👩‍🏫 ção'
    await ana.ok("class:7", "message:send", {"text": text})
    assert (await ana.has(1))[0]["text"] == text
    page = await ana.ok("class:7", "history:read", {"after": 0})
    assert page["events"][0]["payload"]["text"] == text


async def test_pushes_of_a_session_under_way_are_limited(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0, max_appending=4))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    refs = [await ana.send("class:7", "message:send", {"text": "x"}) for _ in range(6)]
    replies = [await ana.until(lambda frame, ref=ref: frame[1] == ref) for ref in refs]  # type: ignore[misc]
    assert [reply["status"] for reply in replies] == ["ok"] * 4 + ["error"] * 2
    assert replies[-1]["response"]["code"] == "overloaded"


async def test_token_that_only_reads_pushes_nothing_that_changes(worker: Worker) -> None:
    ana = worker.connect(msgspec.structs.replace(ANA, only_reads=True))
    await ana.ok("class:7", "phx_join")
    assert (await ana.ok("class:7", "history:read", {"after": 0}))["events"] == []
    for event, payload in (("message:send", {"text": "x"}), ("read:mark", {"seq": 1}), ("typing:start", {})):
        assert await ana.refused("class:7", event, payload) == "forbidden"


async def test_push_is_refused_after_its_right_was_withdrawn(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    ana.session.member = member(1, "Ana", "student")
    assert await ana.refused("class:7", "message:send", {"text": "x"}) == "forbidden"


@pytest.mark.parametrize(("event", "payload"), [("history:read", {"after": 0}), ("receipts:read", {"seq": 1})])
async def test_right_withdrawn_during_a_read_is_not_answered(
    worker: Worker, event: str, payload: dict[str, Any]
) -> None:
    paula = worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "message:send", {"text": "segredo"})
    reading = worker.engine.handle(paula.session, json.dumps(["1", "r", "class:7", event, payload]))
    assert reading is not None
    worker.authority.members[PAULA.login] = member(3, "Paula", PAULA.user.role)
    await worker.engine.revalidate([3])
    await reading
    reply = await paula.until(lambda frame: frame[1] == "r")
    assert reply["response"]["code"] == "unmatched_topic"


async def test_topic_left_during_a_read_is_not_answered(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    reading = worker.engine.handle(ana.session, json.dumps(["1", "r", "class:7", "history:read", {"after": 0}]))
    assert reading is not None
    await ana.ok("class:7", "phx_leave")
    await reading
    assert (await ana.until(lambda frame: frame[1] == "r"))["response"]["code"] == "unmatched_topic"


async def test_push_that_the_school_withholds_is_refused_at_once(worker: Worker) -> None:
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    for client in (ana, paula):
        await client.ok("class:7", "phx_join")
    target = (await paula.ok("class:7", "message:send", {"text": "Bom dia"}))["seq"]
    reaction = {"target": target, "emoji": "👍"}
    worker.authority.withheld = {"student": {"message:react"}}
    assert await ana.refused("class:7", "message:react", reaction) == "forbidden"
    await paula.ok("class:7", "message:react", reaction)
    await ana.ok("class:7", "message:send", {"text": "Bom dia!"})
    worker.authority.withheld = {}
    await ana.ok("class:7", "message:react", reaction)


class HeldMarks:
    """A real writer that commits read marks only once `may_go` is set."""

    def __init__(self, writer: Writer) -> None:
        self.may_go = asyncio.Event()
        self._writer = writer

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        if marks:
            await self.may_go.wait()
        return await self._writer.commit(groups, marks, snapshots, spells)

    async def close(self) -> None:
        await self._writer.close()


async def test_worker_that_loads_the_topic_before_a_mark_is_stored_learns_it(
    database: AsyncEngine, make_worker: MakeWorker
) -> None:
    bus, writer = MemoryBus(), HeldMarks(writer_for(database))
    one, other = await make_worker(bus, writer=writer), await make_worker(bus)
    phone, computer = one.connect(ANA), other.connect(ANA)
    await phone.ok("class:7", "phx_join")
    await phone.ok("class:7", "message:send", {"text": "x"})
    assert await phone.ok("class:7", "read:mark", {"seq": 1}) == {"seq": 1}
    assert (await computer.ok("class:7", "phx_join"))["read"] == 0
    writer.may_go.set()
    async with asyncio.timeout(10):
        while not other.engine._hub.topics["class:7"].reads:
            await asyncio.sleep(0)
    assert (await computer.ok("class:7", "phx_join"))["read"] == 1
