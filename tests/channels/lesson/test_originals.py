"""Staff open the former texts of a message, and each opening is in the audit log before they are given."""

from collections.abc import Callable
from typing import Any

from channels.limit import MAX_EDITS
from channels.roles import principal, students, teachers
from server.audit.audit import Audit
from server.databases import Databases
from server.databases.audit import Wanted
from tests.channels.support import ANA, DIRETORA, PAULA, Worker

CLASS = "class:7"


async def hidden_message(worker: Worker) -> tuple[Any, int]:
    """Return the teacher, and the position of a message that Ana has edited and the teacher has hidden."""
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    for client in (ana, paula):
        await client.ok(CLASS, "phx_join")
    target = (await ana.ok(CLASS, "message:send", {"text": "antes"}))["seq"]
    await ana.ok(CLASS, "message:edit", {"target": target, "text": "depois"})
    await paula.ok(CLASS, "message:hide", {"target": target})
    return paula, target


async def openings(audit: Audit) -> list[tuple[Any, ...]]:
    found = await audit.find(Wanted(["message:original"]), None, 10)
    return [(each.user_id, each.subject_id, each.topic, each.target) for each in found]


async def test_staff_open_former_texts_and_it_is_recorded(
    make_worker: Callable[..., Any], databases: Databases
) -> None:
    audit = Audit(databases)
    worker = await make_worker(audit=audit)
    paula, target = await hidden_message(worker)
    opened = await paula.ok(CLASS, "message:original", {"target": target})
    assert [(each["text"], each["by"]["name"]) for each in opened["versions"]] == [
        ("antes", "Ana"),
        ("depois", "Paula"),
    ]
    assert opened["author"]["name"] == "Ana"
    assert await openings(audit) == [(PAULA.user.id, ANA.user.id, CLASS, target)]


async def test_opening_that_is_sent_again_is_recorded_once(
    make_worker: Callable[..., Any], databases: Databases
) -> None:
    audit = Audit(databases)
    paula, target = await hidden_message(await make_worker(audit=audit))
    for push_id in ("o1", "o1", "o2"):
        await paula.ok(CLASS, "message:original", {"target": target, "id": push_id})
    assert len(await openings(audit)) == 2


async def test_nothing_is_opened_where_it_cannot_be_recorded(make_worker: Callable[..., Any]) -> None:
    paula, target = await hidden_message(await make_worker(audit=None))
    assert await paula.refused(CLASS, "message:original", {"target": target}) == "forbidden"


async def test_message_that_was_never_changed_has_no_versions(worker: Worker) -> None:
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    target = (await paula.ok(CLASS, "message:send", {"text": "Bom dia"}))["seq"]
    assert (await paula.ok(CLASS, "message:original", {"target": target}))["versions"] == []
    assert await paula.refused(CLASS, "message:original", {"target": target + 1}) == "bad_payload"


async def test_message_hidden_twice_has_one_former_text(make_worker: Callable[..., Any], databases: Databases) -> None:
    worker = await make_worker(audit=Audit(databases))
    paula, target = await hidden_message(worker)
    diretora = worker.connect(DIRETORA)
    await diretora.ok(CLASS, "phx_join")
    for event in ("restore", "hide"):
        await diretora.ok(CLASS, f"message:{event}", {"target": target})
    opened = await paula.ok(CLASS, "message:original", {"target": target})
    assert [(each["text"], each["by"]["name"]) for each in opened["versions"]] == [
        ("antes", "Ana"),
        ("depois", "Diretora"),
    ]


async def test_message_can_be_edited_a_bounded_number_of_times(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok(CLASS, "phx_join")
    target = (await ana.ok(CLASS, "message:send", {"text": "a"}))["seq"]
    for number in range(MAX_EDITS):
        await ana.ok(CLASS, "message:edit", {"target": target, "text": f"a{number}"})
        worker.clock.now += 1
    assert await ana.refused(CLASS, "message:edit", {"target": target, "text": "b"}) == "forbidden"


def test_only_staff_may_open_former_texts() -> None:
    has = {
        role.name: "message:original" in role.topics["class"].actions
        for role in (students.ROLE, teachers.ROLE, principal.ROLE)
    }
    assert has == {"student": False, "teacher": True, "principal": True}
