"""Chat: typing, which is not stored. Messages are what the engine is tested with."""

from tests.channels.support import ANA, BRUNO, Worker


async def test_typing_is_published_and_not_stored(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    assert await ana.ok("class:7", "typing:start") == {}
    assert await bruno.has(1, "typing:started") == [{"user": {"id": 1, "name": "Ana", "role": "student"}}]
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["seq"] == 0
