"""Sessions in topics: presence follows joins and leaves."""

from typing import Any

import pytest

from channels.engine import presence_shown
from channels.limit import MAX_LISTED_STUDENTS
from channels.member import Classroom
from tests.channels.support import ANA, BRUNO, CLASS, DIRETORA, PAULA, Worker, member


def _refs(entry: dict[str, Any]) -> set[str]:
    return {meta["phx_ref"] for meta in entry["metas"]}


async def test_presence_is_a_state_and_then_diffs_that_add_up(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.send("class:7", "phx_join", {}, "1", "1")
    paula, second = worker.connect(PAULA), worker.connect(PAULA)
    await paula.send("class:7", "phx_join", {}, "1", "1")
    await ana.until(lambda frame: frame[3] == "presence_diff" and "3" in frame[4]["joins"])
    await second.ok("class:7", "phx_join")
    paula.gone()
    await ana.until(lambda frame: frame[3] == "presence_diff" and "3" in frame[4]["leaves"])
    diffs = ana.got("presence_diff")
    here: dict[str, set[str]] = {user: _refs(entry) for user, entry in ana.got("presence_state")[0].items()}
    for diff in diffs:
        for user, entry in diff["joins"].items():
            here.setdefault(user, set()).update(_refs(entry))
        for user, entry in diff["leaves"].items():
            here[user] -= _refs(entry)
    assert {user: len(refs) for user, refs in here.items()} == {"1": 1, "3": 1}
    assert diffs[1]["joins"]["3"]["user"] == {"id": 3, "name": "Paula", "role": "teacher"}
    state = next(frame for frame in second.frames if frame[3] == "presence_state")
    assert state[:3] == ("1", None, "class:7")
    assert state[4].keys() == {"1", "3"}


async def test_first_arrival_is_shown_at_once_and_those_after_it_together(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_shown, "GATHER_SECONDS", 3600.0)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.has(1, "presence_diff")
    others = {str(number): worker.connect(member(number, "Nova", "student", CLASS)) for number in range(10, 20)}
    for each in others.values():
        await each.ok("class:7", "phx_join")
        assert each.got("presence_state")[0].keys() == {"1"}
    others.pop("19").gone()
    await ana.ok("class:7", "message:send", {"text": "x"})
    assert len(ana.got("presence_diff")) == 1
    worker.engine._shown._gathered()
    (_, diff) = await ana.has(2, "presence_diff")
    assert (diff["joins"].keys(), diff["leaves"]) == (others.keys(), {})
    for each in others.values():
        assert await each.has(1, "presence_diff") == [diff]


async def test_join_without_presence_is_not_shown(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join", {"present": False})
    await bruno.ok("class:7", "phx_join")
    await bruno.has(1, "presence_diff")
    assert bruno.got("presence_state") == [{}]
    assert [diff["joins"].keys() for diff in bruno.got("presence_diff")] == [{"2"}]
    ana.gone()
    await bruno.ok("class:7", "message:send", {"text": "x"})
    assert len(bruno.got("presence_diff")) == 1


async def test_large_class_gets_counts_and_not_names(worker: Worker) -> None:
    ana, diretora = worker.connect(ANA), worker.connect(DIRETORA)
    await ana.ok("class:9", "phx_join")
    await diretora.ok("class:9", "phx_join", {"present": False})
    assert (await diretora.has(1, "presence_count"))[0] == {"users": {"student": 1}}
    ana.gone()
    assert (await diretora.has(2, "presence_count"))[-1] == {"users": {}}
    assert diretora.got("presence_state") == diretora.got("presence_diff") == []


async def test_role_gets_counts_while_the_school_withholds_names(worker: Worker) -> None:
    worker.authority.withheld = {"student": {"presence_state"}}
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    await ana.until(lambda frame: frame[3:] == ("presence_count", {"users": {"student": 1, "teacher": 1}}))
    assert paula.got("presence_state")[0].keys() == {"1"}
    assert ana.got("presence_state") == ana.got("presence_diff") == []
    worker.authority.withheld = {}
    assert (await ana.has(1, "presence_state"))[0].keys() == {"1", "3"}
    bruno = worker.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")
    assert (await ana.has(1, "presence_diff"))[0]["joins"].keys() == {"2"}
    worker.authority.withheld = {"student": {"presence_state"}}
    await bruno.has(1, "presence_count")
    paula.gone()
    await ana.until(lambda frame: frame[3:] == ("presence_count", {"users": {"student": 2}}))
    assert len(ana.got("presence_diff")) == 1


async def test_two_sessions_under_two_names_are_one_user(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    again = worker.connect(member(1, "Ana Clara", "student", CLASS))
    await again.ok("class:7", "phx_join")
    await again.has(1, "presence_diff")
    await bruno.ok("class:7", "phx_join")
    (state,) = bruno.got("presence_state")
    assert len(state["1"]["metas"]) == 2
    assert worker.engine._presence.counts("class:7") == {"student": 2}


async def test_class_that_grows_past_the_limit_stays_listed_while_open(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    large = Classroom(7, CLASS.title, MAX_LISTED_STUDENTS + 1)
    bruno = worker.connect(member(2, "Bruno", "student", large))
    await bruno.ok("class:7", "phx_join")
    await ana.until(lambda frame: frame[3] == "presence_diff" and "2" in frame[4]["joins"])
    ana.gone()
    bruno.gone()
    again = worker.connect(member(2, "Bruno", "student", large))
    await again.ok("class:7", "phx_join")
    assert again.got("presence_count") == [{"users": {"student": 1}}]
