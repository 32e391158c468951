"""Announcements: sent to classes, roles and the school, and kept in the state."""

from tests.channels.support import ANA, DIRETORA, PAULA, Worker


async def test_newest_announcements_are_in_the_state_of_a_join(worker: Worker) -> None:
    paula, ana = worker.connect(PAULA), worker.connect(ANA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "announcement:send", {"title": "Prova", "text": "Amanhã, às 8h"})
    for number in range(60):
        worker.clock.now += 1  # the class talks on, within its rate, past the newest events
        await paula.ok("class:7", "message:send", {"text": str(number)})
    joined = await ana.ok("class:7", "phx_join")
    (announcement,) = joined["state"]["announcements"]
    assert announcement["event"] == "announcement:sent"
    assert announcement["payload"]["title"] == "Prova"
    assert [event["payload"]["seq"] for event in joined["events"]] == list(range(12, 62))


async def test_principal_announces_to_the_school_and_to_roles(worker: Worker) -> None:
    diretora, ana, paula = worker.connect(DIRETORA), worker.connect(ANA), worker.connect(PAULA)
    for client, topics in (
        (diretora, ("school", "role:students")),
        (ana, ("school", "role:students")),
        (paula, ("school",)),
    ):
        for topic in topics:
            await client.ok(topic, "phx_join")
    await diretora.ok("school", "announcement:send", {"text": "a todos"})
    await diretora.ok("role:students", "announcement:send", {"text": "aos alunos"})
    assert [each["text"] for each in await ana.has(2, "announcement:sent")] == ["a todos", "aos alunos"]
    assert [each["text"] for each in await paula.has(1, "announcement:sent")] == ["a todos"]
