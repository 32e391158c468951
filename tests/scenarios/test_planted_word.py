"""A word that staff have hidden is nowhere any more where pupils, other workers and exports could have it.

The flag on it keeps a copy for the staff, and the former version is for who opens the original, which is recorded.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest

from channels.broker.memory import MemoryBus
from server import views
from server.audit.audit import Audit
from server.databases import Databases
from tests.channels.support import ANA, BRUNO, PAULA, Client, Worker
from tests.phoenix import ErrorReply
from tests.roster import PRINCIPAL
from tests.scenarios.conftest import TEACHERS, Lesson, Site
from tests.scenarios.participant import Participant, Way
from tests.scenarios.planted import events_with, memory_with, tables_with
from tests.server.views.visitor import Visitor

# Where the words of a hidden message are kept: its former versions, and the flag's copy for the staff. A word that no
# row of the index has any more leads nowhere, and FTS5 drops it when it merges its segments.
KEPT_IN = {"journal.versions", "journal.events", "journal.search_words_data"}
KEPT_EVENTS = {"message:flagged"}
# More than any turn of an event loop takes: until then, what is under way may still have it.
GONE_SECONDS = 5.0
# Its occurrences in what a pupil can read before it is hidden: the message, two edits, a quote, a pin, a hit and so on.
MANY_PLACES = 8


def planted(topic: str, way: Way) -> str:
    """Return a word of letters alone that only this scenario has: the search reads it as one word."""
    return (
        "xilo" + topic.removeprefix("class:").translate(str.maketrans("0123456789", "abcdefghij")) + way.name[0].lower()
    )


def pages(class_id: str) -> list[str]:
    """Return the address of every page and export of any role, about a class."""
    patterns = [handler[0] for package in views.PACKAGES for handler in package.handlers]
    addresses = [pattern.replace("([0-9]{1,15})", class_id).replace("\\.", ".") for pattern in patterns]
    both = [each.replace("(csv|json)", kind) for each in addresses for kind in ("csv", "json")]
    joins = [f"{address}?joins" for address in addresses if address.endswith(f"/classes/{class_id}")]
    return [each for each in dict.fromkeys([*both, *joins]) if "(" not in each]


# Who asks is what matters here; how their frames travel, the other scenarios show.
@pytest.fixture(
    params=[Way.LONGPOLL, *(pytest.param(way, marks=pytest.mark.long) for way in Way if way is not Way.LONGPOLL)],
    ids=lambda way: way.value,
)
def way(request: pytest.FixtureRequest) -> Way:
    """Return the transport and format of every participant in the scenario."""
    way: Way = request.param
    return way


async def until_found(who: Participant, word: str, count: int) -> None:
    """Wait until the search finds so many: the index follows the journal."""
    async with asyncio.timeout(30):
        while len((await who.push("user:me", "search:find", text=word))["hits"]) != count:
            await asyncio.sleep(0.2)


async def plant(ana: Participant, bruno: Participant, teacher: Participant, topic: str, word: str) -> int:
    """Say the word, and let it get everywhere; return the message's position."""
    text = f"Isto é {word}."
    target = int((await ana.say(topic, "Isto.", mentions=[bruno.user["id"]]))["seq"])
    # Edited away and back: an event that edits it has the word, too.
    for words in (text, "Isto, digo.", text):
        await ana.push(topic, "message:edit", target=target, text=words)
    await bruno.say(topic, "Não concordo.", reply_to=target)
    await bruno.push(topic, "message:react", target=target, emoji="👍")
    await bruno.push(topic, "message:flag", target=target, reason="insult")
    await bruno.sees(topic, "message:edited", text=text)
    await bruno.leave(topic)
    await teacher.push(topic, "lesson:start")
    await teacher.push(topic, "message:pin", target=target)
    await teacher.push(topic, "lesson:end")
    return target


async def read_all(who: Participant, topic: str, target: int) -> str:
    """Return all that a member can read of a class: as who joins, comes back, reads on and searches."""
    found = [await who.join(topic), await who.join(topic, since=0, epoch=who.epoch), await who.join("user:me")]
    found += [await who.push(topic, "history:read", after=0, limit=200)]
    found += [await who.push(topic, "history:read", before=target + 1, limit=200)]
    found += [await who.push("user:me", "search:find", text="isto")]
    if who.user["role"] == "student":
        found += [await who.push(topic, "lesson:missed")]
    return json.dumps([found, who.events], ensure_ascii=False)


async def test_hidden_word_is_nowhere_that_pupils_and_exports_reach(site: Site, way: Way, lesson: Lesson) -> None:
    ana, bruno, teacher = await lesson.ana(), await lesson.bruno(), await lesson.teacher()
    topic = ana.topics[lesson.title]
    word = planted(topic, way)
    for each in (ana, bruno, teacher):
        await each.join(topic)
    target = await plant(ana, bruno, teacher, topic, word)
    await until_found(ana, word, 1)
    before = await read_all(bruno, topic, target)
    assert before.count(word) > MANY_PLACES, before

    await teacher.push(topic, "message:hide", target=target, reason="ofensa")
    for each in (ana, bruno):
        await each.sees(topic, "message:hidden", target=target)
    late = [await lesson.ana(), await lesson.bruno(), await lesson.teacher(), await lesson.principal()]
    for each in late:
        assert word not in await read_all(each, topic, target), each.user
        assert (await each.push("user:me", "search:find", text=word))["hits"] == []
    for each in late[:2]:
        with pytest.raises(ErrorReply, match="forbidden"):
            await each.push(topic, "message:original", target=target)
    await _look_at_all_pages(site, lesson, way, topic, word)
    assert tables_with(word, site.lousa.data_dir) <= KEPT_IN
    assert events_with(word, site.lousa.data_dir) == KEPT_EVENTS
    await _open_the_original(site, late[3], lesson.title, target, word)


async def _look_at_all_pages(site: Site, lesson: Lesson, way: Way, topic: str, word: str) -> None:
    for login in (lesson.bruno_login, TEACHERS[way], PRINCIPAL):
        visitor = Visitor(site.lousa.url, cookies={"lousa_session": site.tokens[login]})
        shown = []
        for address in pages(topic.removeprefix("class:")):
            answer = await visitor.get(address)
            assert word not in answer.text, address
            shown += [address] if answer.status == HTTPStatus.OK else []
            if "transcript.json" in address and answer.status == HTTPStatus.OK:
                (hidden,) = [each for each in json.loads(answer.text)["events"] if "hidden" in each]
                assert (hidden["text"], hidden["hidden"]["reason"]) == ("", "ofensa")
        assert any("?joins" in address for address in shown), shown
        assert any("transcript" in address for address in shown) == (login != lesson.bruno_login)


async def _open_the_original(site: Site, principal: Participant, title: str, target: int, word: str) -> None:
    opened = await principal.push(principal.topics[title], "message:original", target=target)
    assert word in opened["versions"][-1]["text"]
    visitor = Visitor(site.lousa.url, cookies={"lousa_session": site.tokens[PRINCIPAL]})
    log = (await visitor.get("/audit.csv")).text
    (line,) = [line for line in log.splitlines() if "read the former text" in line and f",{title}," in line]
    assert principal.user["name"] in line
    assert word not in log


class Engines:
    """Two workers on one journal, without sockets, in this process: their memory can be looked through."""

    def __init__(self, workers: list[Worker]) -> None:
        self.workers = workers

    def words(self, word: str) -> list[list[str]]:
        """Return where each of them has a word; what its clients have received is theirs."""
        return [memory_with(word, worker.engine, without=(Client,)) for worker in self.workers]


@pytest.fixture
async def engines(databases: Databases) -> AsyncIterator[Engines]:
    """Run two workers."""
    bus, workers = MemoryBus(), []
    async with AsyncExitStack() as running:
        for _ in range(2):
            worker = Worker(databases.engine("journal"), bus, audit=Audit(databases))
            await worker.journal.open()
            worker.engine.start()
            running.push_async_callback(worker.engine.close)
            workers.append(worker)
        yield Engines(workers)


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_hidden_word_leaves_the_memory_of_all_workers(engines: Engines) -> None:
    here, there = engines.workers
    ana, bruno, paula = here.connect(ANA), there.connect(BRUNO), there.connect(PAULA)
    for client in (ana, bruno, paula):
        await client.ok("class:7", "phx_join")
    word = "xilofagia"
    target = (await ana.ok("class:7", "message:send", {"text": f"Isto é {word}."}))["seq"]
    await bruno.has(1)
    await bruno.ok("class:7", "message:send", {"text": "Não.", "reply_to": target})
    await paula.ok("class:7", "message:pin", {"target": target})
    await bruno.ok("user:me", "phx_join")
    await bruno.ok("user:me", "search:find", {"text": "isto"})
    for worker, found in zip(engines.workers, engines.words(word), strict=True):
        assert found, f"{worker} has it nowhere: it is looked for in the wrong place"
    await paula.ok("class:7", "message:hide", {"target": target})
    for client in (ana, bruno):
        await client.has(1, "message:hidden")
    deadline = time.monotonic() + GONE_SECONDS
    while any(engines.words(word)) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    assert engines.words(word) == [[], []]
