from pathlib import Path

from server.cli.listing import day
from server.clock import now_ms
from tests.server.cli.conftest import Run, fails


def test_holds_are_set_listed_and_lifted(run: Run, school: Path) -> None:
    before = day(now_ms())
    assert run("hold", "set", "teacher", "--reason", "Processo 12").stdout == "Hold 1 is set on teacher.\n"
    run("hold", "set", "--class", "Turma 1", "--reason", "Processo\n13")
    first, second = [line.split("\t") for line in run("hold", "list").stdout.splitlines()]
    assert (first[0], first[3], second[2:]) == ("1", "Processo 12", ["Turma 1", "Processo 13"])
    assert before <= first[1] <= day(now_ms())
    assert run("hold", "lift", "1").stdout == "Hold 1 is lifted.\n"
    assert run("hold", "list").stdout.startswith("2\t")
    fails(run("hold", "set", "nobody", "--reason", "x"), "nobody")
