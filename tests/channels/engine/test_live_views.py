"""Live views: the dashboard as the engine sends it."""

from tests.channels.support import ANA, CLASS, DIRETORA, PAULA, Client, Worker
from tests.dashboard import SeenSchool


async def joined(diretora: Client) -> SeenSchool:
    return SeenSchool((await diretora.ok("dashboard", "phx_join"))["state"]["dashboard"])


async def test_dashboard_shows_the_school_and_follows_it(worker: Worker) -> None:
    diretora = worker.connect(DIRETORA)
    school = await joined(diretora)
    assert [*school.classes] == [7, 8, 9]
    assert school.classes[7] == {
        "id": 7,
        "title": CLASS.title,
        "students_online": 0,
        "students": 30,
        "teachers_online": 0,
        "messages": [0] * 30,
        "lesson": None,
    }
    assert school.totals == {"users": {"principal": 1}, "connections": 1, "messages_per_minute": 0}
    ana, paula, again = worker.connect(ANA), worker.connect(PAULA), worker.connect(PAULA)
    for client in (ana, paula, again):
        await client.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x"})
    await diretora.until(lambda frame: frame[3] == "dashboard:changed" and "messages" in str(frame[4]["classes"]))
    for changes in diretora.got("dashboard:changed"):
        school.apply(changes)
    row = school.classes[7]
    assert (row["students_online"], row["teachers_online"], sum(row["messages"])) == (1, 1, 1)
    assert school.totals | {"messages_per_minute": 1} == {
        "users": {"student": 1, "teacher": 1, "principal": 1},
        "connections": 4,
        "messages_per_minute": 1,
    }


async def test_who_joins_later_goes_on_from_the_same_version(worker: Worker) -> None:
    diretora, other, ana = worker.connect(DIRETORA), worker.connect(DIRETORA), worker.connect(ANA)
    school = await joined(diretora)
    await ana.ok("class:7", "phx_join")
    later = await joined(other)
    assert later.classes[7]["students_online"] == 1
    await ana.ok("class:7", "phx_leave")
    gone = {"id": 7, "students_online": 0}
    for client, seen in ((diretora, school), (other, later)):
        await client.until(lambda frame: frame[3] == "dashboard:changed" and gone in frame[4]["classes"])
        for changes in client.got("dashboard:changed"):
            seen.apply(changes)
    assert (school.version, school.classes, school.totals) == (later.version, later.classes, later.totals)
