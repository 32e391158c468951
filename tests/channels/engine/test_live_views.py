"""Live views: the dashboard as the engine sends it."""

from tests.channels.support import ANA, CLASS, DIRETORA, PAULA, Worker


async def test_dashboard_shows_the_school_and_follows_it(worker: Worker) -> None:
    diretora = worker.connect(DIRETORA)
    joined = await diretora.ok("dashboard", "phx_join")
    first = joined["state"]["dashboard"]
    assert [row["id"] for row in first["classes"]] == [7, 8, 9]
    assert first["classes"][0] | {"messages": []} == {
        "id": 7,
        "title": CLASS.title,
        "students_online": 0,
        "students": 30,
        "teachers_online": 0,
        "messages_per_minute": 0,
        "messages": [],
    }
    assert first["totals"] == {
        "users": {"principal": 1},
        "connections": 1,
        "messages_per_minute": 0,
    }
    ana, paula, again = worker.connect(ANA), worker.connect(PAULA), worker.connect(PAULA)
    for client in (ana, paula, again):
        await client.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x"})
    moved = await diretora.until(
        lambda frame: frame[3] == "dashboard:changed" and sum(frame[4]["classes"][0]["messages"]) == 1
    )
    row = moved["classes"][0]
    assert (row["students_online"], row["teachers_online"], len(row["messages"])) == (1, 1, 30)
    assert moved["totals"] | {"messages_per_minute": 1} == {
        "users": {"student": 1, "teacher": 1, "principal": 1},
        "connections": 4,
        "messages_per_minute": 1,
    }
