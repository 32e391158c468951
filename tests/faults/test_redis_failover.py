"""What clients of two workers notice of a Redis that fails, where there is another: the histories of clients decide."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crew import Crew, until
from tests.lousa import DEMO_SCHOOL
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer
from tests.sentinels import Sentinels
from tests.server.process.someone import Someone

pytestmark = [pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(180)]

# Generous, because the machine may be busy: how soon typing and presence are back is printed.
BACK_SECONDS = 30.0


async def test_one_of_two_redis_dies_and_nobody_misses_anything(tmp_path: Path, postgresql: PostgreSQL) -> None:
    with two_redis(tmp_path) as (first, second):
        options = ["--redis-url", first.url, "--redis-url", second.url]
        await play(tmp_path, postgresql, options, first.kill, first.start, second.kill)


async def test_one_of_two_redis_hangs_and_nobody_misses_anything(tmp_path: Path, postgresql: PostgreSQL) -> None:
    with two_redis(tmp_path) as (first, second):
        options = ["--redis-url", first.url, "--redis-url", second.url]
        await play(tmp_path, postgresql, options, first.freeze, first.thaw, second.freeze)


async def test_sentinels_choose_another_redis_and_nobody_misses_anything(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    with Sentinels(tmp_path, count=3, down_ms=2_000) as sentinels:
        before = sentinels.leader
        await play(tmp_path, postgresql, ["--redis-url", sentinels.url], before.kill)


@contextmanager
def two_redis(folder: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """Run two Redis that know nothing of each other."""
    servers = RedisServer(folder), RedisServer(folder)
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.kill()


async def play(folder: Path, postgresql: PostgreSQL, options: list[str], *faults: Callable[[], None]) -> None:
    """Teach a class over two workers, cause the faults one after another, and check what clients received."""
    names = ("accounts", "journal", "audit")
    databases = [word for name in names for word in ("--database", f"{name}={postgresql.create_database()}")]
    crew = Crew(folder / "data", 2, "--push-rate", "0", *options, options=databases)
    crew.run("database", "upgrade")
    crew.run("roster", "import", str(DEMO_SCHOOL))
    tokens = crew.tokens("ana", "bruno", "paula")
    with crew:
        ana, bruno = (Someone(crew, login, tokens[login]) for login in ("ana", "bruno"))
        await ana.come(worker=1)
        await bruno.come(worker=2)
        ended = asyncio.Event()
        said = asyncio.create_task(talk(ana, ended))
        await typing_arrives(ana, bruno)
        for fault in faults:
            await asyncio.to_thread(fault)
            began = time.monotonic()
            await typing_arrives(ana, bruno)
            await typing_arrives(bruno, ana)
            await presence_follows(crew, tokens["paula"], ana, bruno)
            print(f"{fault.__qualname__}: typing and presence are there after {time.monotonic() - began:.1f} s")
        ended.set()
        texts = await said
        await until(lambda: len(ana.received) == len(bruno.received) == len(texts))
        # `Someone` has checked that the positions have no gap and no repeat.
        assert ana.received == bruno.received == texts
        for each in (ana, bruno):
            await each.leave()


async def talk(who: Someone, ended: asyncio.Event) -> list[str]:
    """Send messages until the end, and return them: each was acknowledged."""
    texts: list[str] = []
    while not ended.is_set():
        texts.append(f"mensagem {len(texts)}")
        await who.say(texts[-1])
        await asyncio.sleep(0.05)
    return texts


async def typing_arrives(one: Someone, two: Someone) -> None:
    """Have one write until the other is told."""
    begun = len(two.events)
    async with asyncio.timeout(BACK_SECONDS):
        while not any(event == "typing:started" for event, _ in two.events[begun:]):
            assert one.connection is not None
            await one.connection.request(one.topic, "typing:start", {})
            await asyncio.sleep(0.1)


async def presence_follows(crew: Crew, token: str, *others: Someone) -> None:
    """Have the teacher come and go; the others, on both workers, see that."""
    teacher = await crew.connect("teachers", token, lambda *_: None, worker=2)
    await teacher.join(others[0].topic)
    await until(lambda: all(len(each.present()) == 3 for each in others), BACK_SECONDS)
    teacher.close()
    await teacher.closed.wait()
    await until(lambda: all(len(each.present()) == 2 for each in others), BACK_SECONDS)
