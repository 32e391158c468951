"""Chat: typing, which is not stored, replies and mentions. Messages are what the engine is tested with."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.limit import MAX_MENTIONS, MAX_QUOTE_CHARACTERS
from tests.channels.support import ANA, BRUNO, PAULA, Worker

CLASS = "class:7"
WORD = "palavrão"
ANA_USER = {"id": 1, "name": "Ana", "role": "student"}


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    return clients


async def say(client: Any, text: str, **more: Any) -> int:
    seq: int = (await client.ok(CLASS, "message:send", {"text": text, **more}))["seq"]
    return seq


async def messages(worker: Worker) -> list[Any]:
    """Return the messages as the journal has them, and those that a join returns: the same."""
    client = worker.connect(BRUNO)
    events = (await client.ok(CLASS, "phx_join"))["events"]
    page = await client.ok(CLASS, "history:read", {"before": 1_000, "event": "message:sent"})
    stored = [event["payload"] for event in page["events"]]
    assert stored == [event["payload"] for event in events if event["event"] == "message:sent"]
    return stored


async def test_typing_is_published_and_not_stored(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    assert await ana.ok(CLASS, "typing:start") == {}
    assert await bruno.has(1, "typing:started") == [{"user": ANA_USER}]
    assert (await worker.connect(BRUNO).ok(CLASS, "phx_join"))["seq"] == 0


async def test_reply_carries_a_quote_of_what_it_answers(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await say(ana, "Quem vem?")
    await say(bruno, "Eu", reply_to=target)
    (_, reply) = await ana.has(2)
    assert (reply["reply_to"], reply["quote"]) == (target, {"author": ANA_USER, "text": "Quem vem?"})
    assert (await messages(worker))[1] == reply


async def test_quote_is_shortened(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    await say(ana, "Sim", reply_to=await say(ana, "x" * 500))
    (_, reply) = await ana.has(2)
    assert reply["quote"]["text"] == "x" * (MAX_QUOTE_CHARACTERS - 1) + "…"


async def test_quote_follows_edit_hide_and_return_of_its_message(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await say(ana, "antes")
    await say(bruno, "Resposta", reply_to=target)
    await say(bruno, "Outra coisa")
    texts = []
    for who, event, more in ((ana, "edit", {"text": WORD}), (paula, "hide", {}), (paula, "restore", {})):
        await who.ok(CLASS, f"message:{event}", {"target": target, **more})
        _, reply, other = await messages(worker)
        texts.append(reply["quote"]["text"])
        assert (reply["text"], reply["quote"]["author"]) == ("Resposta", ANA_USER)
        assert "quote" not in other
    assert texts == [WORD, "", WORD]


async def test_hidden_reply_keeps_its_place_and_its_quote(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await say(ana, "Quem vem?")
    reply = await say(bruno, WORD, reply_to=target)
    await bruno.ok(CLASS, "message:hide", {"target": reply})
    _, hidden = await messages(worker)
    assert (hidden["text"], hidden["quote"]["text"], hidden["reply_to"]) == ("", "Quem vem?", target)


async def test_words_are_in_no_reply_stored_while_they_are_hidden(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    (paula,) = await joined(here, PAULA)
    ana, bruno = await joined(there, ANA, BRUNO)
    target = await say(ana, WORD)
    await paula.has(1)
    replies = [asyncio.create_task(say(bruno, f"Resposta {n}", reply_to=target)) for n in range(5)]
    await paula.ok(CLASS, "message:hide", {"target": target})
    await asyncio.gather(*replies)
    await paula.has(6)
    for worker in (here, there):
        assert WORD not in json.dumps(await messages(worker), ensure_ascii=False)
        recent = worker.engine._hub.topics[CLASS].recent
        assert all(WORD not in event.payload.decode() for event in recent)


async def test_reply_to_a_hidden_message_is_stored_without_words(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    target = await say(ana, WORD)
    await ana.ok(CLASS, "message:hide", {"target": target})
    await say(ana, "Desculpem", reply_to=target)
    assert (await messages(worker))[1]["quote"]["text"] == ""


async def test_reply_past_the_bound_of_quotes_names_its_message_only(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.lesson.chat.MAX_QUOTES", 1)
    (ana,) = await joined(worker, ANA)
    target = await say(ana, WORD)
    for _ in range(2):
        await say(ana, "Resposta", reply_to=target)
    await ana.ok(CLASS, "message:hide", {"target": target})
    _, first, second = await messages(worker)
    assert (first["quote"]["text"], second["reply_to"], "quote" in second) == ("", target, False)


@pytest.mark.parametrize("target", [0, 2, 99])
async def test_reply_to_no_message_is_refused(worker: Worker, target: int) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await say(ana, "Oi")
    await paula.ok(CLASS, "announcement:send", {"text": "Prova"})
    assert await ana.refused(CLASS, "message:send", {"text": "x", "reply_to": target}) == "bad_payload"


async def test_mentioned_user_is_notified_in_their_own_topic(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    elsewhere = worker.connect(PAULA)
    await elsewhere.ok("user:me", "phx_join")
    seq = await say(ana, "@Paula, @Bruno?", mentions=[3, 2, 3])
    (sent,) = await bruno.has(1)
    assert [user["name"] for user in sent["mentions"]] == ["Paula", "Bruno"]
    (told,) = await elsewhere.has(1, "message:mentioned")
    assert (told["topic"], told["target"], told["author"]) == (CLASS, seq, ANA_USER)
    late = await worker.connect(BRUNO).ok("user:me", "phx_join")
    assert [event["payload"]["target"] for event in late["events"]] == [seq]


async def test_author_who_mentions_themself_is_not_notified(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    await say(ana, "@Ana", mentions=[1])
    assert (await ana.ok("user:me", "phx_join"))["seq"] == 0


async def test_retried_mention_notifies_once(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    seqs = {await say(ana, "@Paula", mentions=[3], id="m1") for _ in range(2)}
    assert len(seqs) == 1
    assert (await worker.connect(PAULA).ok("user:me", "phx_join"))["seq"] == 1


@pytest.mark.parametrize(
    "mentions", [[99], [2, 4], list(range(1, MAX_MENTIONS + 2))], ids=["stranger", "not of the class", "too many"]
)
async def test_mention_of_others_than_members_is_refused(worker: Worker, mentions: list[int]) -> None:
    (ana,) = await joined(worker, ANA)
    assert await ana.refused(CLASS, "message:send", {"text": "@", "mentions": mentions}) == "bad_payload"
    assert await messages(worker) == []
