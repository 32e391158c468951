"""Reading: history in pages, read marks, receipts."""

from typing import Any

from channels.limit import Limits
from tests.channels.support import ANA, BRUNO, PAULA, Worker


async def test_history_is_read_in_pages_from_either_side(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(1, 8):
        await ana.ok("class:7", "message:send", {"text": str(number)})

    async def page(**wanted: Any) -> tuple[list[int], bool]:
        answer = await ana.ok("class:7", "history:read", wanted)
        return [event["payload"]["seq"] for event in answer["events"]], answer["more"]

    assert await page(before=6, limit=2) == ([4, 5], True)
    assert await page(before=3) == ([1, 2], False)
    assert await page(after=2, limit=3) == ([3, 4, 5], True)
    assert await page(after=7) == ([], False)
    assert await page(before=6, event="announcement:sent") == ([], False)
    assert await ana.refused("class:7", "history:read", {}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "after": 1}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "limit": 201}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "event": "\0"}) == "bad_payload"


async def test_history_page_is_limited_in_bytes_and_says_more(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(30):
        await ana.ok("class:7", "message:send", {"text": "x" + "\x01" * 3998 + "x"})  # 24 kB as JSON

    async def page(**wanted: Any) -> tuple[list[int], bool]:
        answer = await ana.ok("class:7", "history:read", wanted | {"limit": 200})
        return [event["payload"]["seq"] for event in answer["events"]], answer["more"]

    first, more = await page(after=0)
    assert more
    assert first == list(range(1, len(first) + 1))
    assert 15 < len(first) < 25
    newest, more = await page(before=31)
    assert more
    assert newest == list(range(31 - len(newest), 31))
    rest, more = await page(after=first[-1])
    assert first + rest == list(range(1, 31))
    assert not more


async def test_read_mark_moves_forward_on_all_sessions_of_the_user(worker: Worker) -> None:
    ana, elsewhere = worker.connect(ANA), worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await elsewhere.ok("user:me", "phx_join")
    for number in range(3):
        await ana.ok("class:7", "message:send", {"text": str(number)})
    assert await ana.ok("class:7", "read:mark", {"seq": 2}) == {"seq": 2}
    assert await ana.ok("class:7", "read:mark", {"seq": 1}) == {"seq": 2}
    assert await ana.ok("class:7", "read:mark", {"seq": 999}) == {"seq": 3}
    assert [told["seq"] for told in await elsewhere.has(2, "read:marked")] == [2, 3]
    await ana.ok("class:7", "message:send", {"text": "commits after the marks"})
    assert (await elsewhere.ok("class:7", "phx_join"))["read"] == 3


async def test_unread_of_one_kind_are_counted_between_positions(worker: Worker) -> None:
    paula, ana = worker.connect(PAULA), worker.connect(ANA)
    for client in (paula, ana):
        await client.ok("class:7", "phx_join")
    for number in range(1, 4):
        await ana.ok("class:7", "message:send", {"text": str(number)})
        await paula.ok("class:7", "announcement:send", {"text": str(number)})  # 2, 4, 6

    async def count(**wanted: Any) -> int:
        answer = await ana.ok("class:7", "unread:count", wanted)
        return int(answer["count"])

    announcements = {"event": "announcement:sent"}
    assert await count(after=0, **announcements) == 3
    assert await count(after=2, before=6, **announcements) == 1
    assert await count(after=6) == 0
    assert await count(after=0) == 3, "what she wrote herself is not unread"
    assert (await paula.ok("class:7", "unread:count", {"after": 0}))["count"] == 3
    assert await ana.refused("class:7", "unread:count", {}) == "bad_payload"


async def test_staff_see_who_has_read_an_announcement(worker: Worker) -> None:
    paula, ana, bruno = worker.connect(PAULA), worker.connect(ANA), worker.connect(BRUNO)
    for client in (paula, ana, bruno):
        await client.ok("class:7", "phx_join")
    seq = (await paula.ok("class:7", "announcement:send", {"text": "leiam"}))["seq"]
    assert (await paula.ok("class:7", "receipts:read", {"seq": seq}))["read"] == []
    await ana.ok("class:7", "read:mark", {"seq": seq})
    await paula.ok("class:7", "message:send", {"text": "commits after the mark"})
    assert await paula.ok("class:7", "receipts:read", {"seq": seq}) == {
        "count": 1,
        "members": 30,
        "read": [{"id": 1, "name": "Ana", "role": "student"}],
    }
    named = await paula.ok("class:7", "receipts:read", {"seq": seq, "unread": True})
    assert named["unread"] == [{"id": 2, "name": "Bruno", "role": "student"}]


async def test_history_of_announcements_skips_the_chat_between_them(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    paula = worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for number in range(60):
        await paula.ok("class:7", "announcement:send", {"text": f"aviso {number}"})
        await paula.ok("class:7", "message:send", {"text": "conversa"})
    newest = (await worker.connect(PAULA).ok("class:7", "phx_join"))["state"]["announcements"]
    wanted = {"before": newest[0]["payload"]["seq"], "event": "announcement:sent", "limit": 6}
    pages = []
    while True:
        page = await paula.ok("class:7", "history:read", wanted)
        pages.append([event["payload"]["text"] for event in page["events"]])
        if not page["more"]:
            break
        wanted |= {"before": page["events"][0]["payload"]["seq"]}
    assert pages == [[f"aviso {number}" for number in range(4, 10)], [f"aviso {number}" for number in range(4)]]
