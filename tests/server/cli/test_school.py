from pathlib import Path

import pytest

from tests.server.cli.conftest import Run, fails


def test_hours_of_the_school_are_set_and_shown(run: Run, school: Path) -> None:
    before = "time zone: UTC\nstudents can write: at all hours\nquiet hours: none\n"
    assert run("school", "show").stdout.endswith(before)
    run("school", "set-zone", "America/Sao_Paulo")
    shown = run("school", "set-hours", "mon-tue=7:30-12:00", "sat=08:00-24:00").stdout
    assert shown.splitlines() == [
        "time zone: America/Sao_Paulo",
        "students can write: mon=07:30-12:00 tue=07:30-12:00 sat=08:00-24:00",
        "quiet hours: none",
    ]
    assert run("school", "show").stdout.endswith(shown)
    assert "while a lesson of their class runs" in run("school", "set-hours", "--lesson").stdout
    assert "at all hours" in run("school", "set-hours", "--always").stdout


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["set-hours", "mon=12:00-07:00"], "a span opens before it closes", 1),
        (["set-zone", "Brasília"], "There is no time zone 'Brasília'", 1),
        (["set-hours"], "Give either", 2),
        (["set-hours", "--lesson", "mon=07:00-12:00"], "Give either", 2),
    ],
)
def test_hours_that_cannot_be_are_not_set(
    run: Run, school: Path, arguments: list[str], message: str, code: int
) -> None:
    before = run("school", "show").stdout
    fails(run("school", *arguments), message, code)
    assert run("school", "show").stdout == before


@pytest.mark.parametrize("span", ["monday=07:00-12:00", "mon", "mon=7-12", "mon=07:00-25:00", "sat-mon=07:00-12:00"])
def test_times_that_cannot_be_read_are_explained(run: Run, span: str) -> None:
    fails(run("school", "set-hours", span), "is not written as in mon-fri=07:00-18:00", code=2)


def test_quiet_hours_of_the_school_are_set_shown_and_ended(run: Run, school: Path) -> None:
    assert "quiet hours: 20:00-07:00\n" in run("school", "set-quiet-hours", "20:00-7:00").stdout
    assert "quiet hours: 20:00-07:00\n" in run("school", "show").stdout
    assert "quiet hours: 12:00-14:00\n" in run("school", "set-quiet-hours", "12:00-14:00").stdout
    assert "quiet hours: none\n" in run("school", "set-quiet-hours", "--none").stdout
    fails(run("school", "set-quiet-hours", "8-9"), "is not written as in 20:00-07:00", code=2)
    fails(run("school", "set-quiet-hours", "--none", "20:00-07:00"), "Give either", code=2)
