"""Users find what they may read, on both databases the same, and nobody finds a hidden word."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from channels.journal.words import stems
from channels.lesson.search import excerpt_of
from channels.limit import MAX_EXCERPT_CHARACTERS, SEARCH_HITS
from tests.channels.support import ANA, BRUNO, DIRETORA, OTHER_CLASS, PAULA, Client, Worker, member

CLASS = "class:7"


async def entered(worker: Worker, who: Any, *topics: str) -> Client:
    client = worker.connect(who)
    for topic in ("user:me", *topics):
        await client.ok(topic, "phx_join")
    return client


async def found(client: Client, text: str, **more: Any) -> list[str]:
    """Return the excerpts of all that is found once the index has reached what is stored now."""
    return [hit["excerpt"] for hit in (await client.ok("user:me", "search:find", {"text": text, **more}))["hits"]]


async def test_word_is_found_by_its_other_forms(worker: Worker) -> None:
    ana = await entered(worker, ANA, CLASS)
    sent = await ana.ok(CLASS, "message:send", {"text": "As avaliações de Ciências são amanhã"})
    await ana.ok(CLASS, "message:send", {"text": "Que prova?"})
    await worker.engine._indexing.catch_up()
    for text, word in (("avaliação", "avaliações"), ("AVALIACAO", "avaliações"), ("amanha", "amanhã")):
        reply = await ana.ok("user:me", "search:find", {"text": text})
        (hit,) = reply["hits"]
        assert (hit["topic"], hit["seq"], hit["at"], hit["event"]) == (CLASS, sent["seq"], sent["at"], "message:sent")
        assert (hit["author"]["name"], hit["excerpt"]) == ("Ana", "As avaliações de Ciências são amanhã")
        assert hit["words"] == [word]
    assert await found(ana, "avaliação prova") == []
    assert await found(ana, "?!") == []


async def test_user_finds_only_what_they_may_read(worker: Worker) -> None:
    diretora = await entered(worker, DIRETORA, CLASS, "class:8", "school", "role:teachers")
    for topic in (CLASS, "class:8"):
        await diretora.ok(topic, "message:send", {"text": f"planta em {topic}"})
    for topic in ("school", "role:teachers"):
        await diretora.ok(topic, "announcement:send", {"title": "A planta", "text": f"de {topic}"})
    await worker.engine._indexing.catch_up()
    assert len(await found(diretora, "planta")) == 4
    bruno, paula = await entered(worker, BRUNO), await entered(worker, PAULA)
    assert await found(bruno, "plantas") == ["de school", "planta em class:7"]
    assert await found(paula, "plantas") == ["de role:teachers", "de school", "planta em class:7"]
    assert await found(bruno, "planta", topic=CLASS) == ["planta em class:7"]
    assert await bruno.refused("user:me", "search:find", {"text": "planta", "topic": "class:8"}) == "forbidden"


async def test_class_that_is_taken_away_is_not_searched(worker: Worker) -> None:
    paula = await entered(worker, PAULA, CLASS)
    await paula.ok(CLASS, "message:send", {"text": "planta"})
    await worker.engine._indexing.catch_up()
    worker.authority.members["paula"] = member(3, "Paula", "teacher", OTHER_CLASS)
    await worker.engine.revalidate(None)
    assert await found(paula, "planta") == []


async def test_hidden_word_is_found_by_nobody_at_once(worker: Worker) -> None:
    ana, paula = await entered(worker, ANA, CLASS), await entered(worker, PAULA, CLASS)
    target = (await ana.ok(CLASS, "message:send", {"text": "palavrão"}))["seq"]
    await worker.engine._indexing.catch_up()
    assert await found(paula, "palavrão") == ["palavrão"]
    await paula.ok(CLASS, "message:hide", {"target": target})
    assert await found(paula, "palavrão") == []
    await worker.engine._indexing.catch_up()
    assert await found(paula, "palavrão") == []
    await paula.ok(CLASS, "message:restore", {"target": target})
    await worker.engine._indexing.catch_up()
    assert await found(paula, "palavrão") == ["palavrão"]


async def test_word_hidden_before_it_was_indexed_is_not_found(worker: Worker) -> None:
    ana = await entered(worker, ANA, CLASS)
    target = (await ana.ok(CLASS, "message:send", {"text": "palavrão"}))["seq"]
    await ana.ok(CLASS, "message:hide", {"target": target})
    await worker.engine._indexing.catch_up()
    assert await found(ana, "palavrão") == []


async def test_edited_message_is_found_by_its_new_words(worker: Worker) -> None:
    ana = await entered(worker, ANA, CLASS)
    target = (await ana.ok(CLASS, "message:send", {"text": "prova de terça"}))["seq"]
    await worker.engine._indexing.catch_up()
    await ana.ok(CLASS, "message:edit", {"target": target, "text": "prova de quinta"})
    assert await found(ana, "terça") == []
    await worker.engine._indexing.catch_up()
    assert (await found(ana, "terça"), await found(ana, "quinta")) == ([], ["prova de quinta"])


async def test_hits_come_in_pages_newest_first(worker: Worker) -> None:
    ana = await entered(worker, ANA, CLASS)
    for number in range(SEARCH_HITS + 3):
        await ana.ok(CLASS, "message:send", {"text": f"planta {number}"})
        worker.clock.now += 1
    await worker.engine._indexing.catch_up()
    first = await ana.ok("user:me", "search:find", {"text": "planta"})
    assert first["hits"][0]["excerpt"] == f"planta {SEARCH_HITS + 2}"
    assert await found(ana, "planta", before=first["next"]) == ["planta 2", "planta 1", "planta 0"]


async def test_two_workers_index_each_event_once(make_worker: Callable[..., Any]) -> None:
    here, there = await make_worker(), await make_worker()
    ana = await entered(here, ANA, CLASS)
    for number in range(5):
        await ana.ok(CLASS, "message:send", {"text": f"planta {number}"})
    await asyncio.gather(here.engine._indexing.catch_up(), there.engine._indexing.catch_up())
    await here.engine._indexing.catch_up()
    assert len(await found(ana, "planta")) == 5


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("uma planta", "uma planta"),
        ("a " * 200 + "planta", "…a a"),
        ("planta " + "b " * 200, "planta b"),
        ("plantä\nnova", "plantä nova"),
    ],
)
def test_excerpt_is_around_the_word(text: str, excerpt: str) -> None:
    shown, matched = excerpt_of(text, stems("planta"))
    assert shown.startswith(excerpt)
    assert len(shown) <= MAX_EXCERPT_CHARACTERS + 2
    assert len(matched) == 1
    assert matched[0] in shown
