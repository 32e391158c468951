"""Run rounds by hand: `python -m tests.faults --rounds 200 --seed 1`. A failed round prints how to replay it."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.faults.rounds import Outcome, Round, class_topic
from tests.lousa import Lousa
from tests.postgresql import PostgreSQL
from tests.roster import write_school

STUDENTS = 50


def prepare(folder: Path, students: int, journal: str | None = None) -> tuple[Lousa, dict[str, str]]:
    """Make a school with one class; return its server, not yet started, and a token for each student.

    `journal` is the URL of an empty database; by default the journal is a SQLite file, like the accounts.
    """
    logins = write_school(folder / "roster", students)
    options = ("--database", f"journal={journal}") if journal else ()
    lousa = Lousa(folder / "data", options=options, serve_options=("--push-rate", "0"))
    lousa.run("database", "upgrade")
    lousa.run("roster", "import", str(folder / "roster"))
    return lousa, lousa.tokens(*logins)


async def play(
    lousa: Lousa, tokens: dict[str, str], seeds: Sequence[int], messages_each: int, *, tell: bool = False
) -> list[Outcome]:
    """Play one round per seed on one server; stop after the first failure."""
    topic = await class_topic(lousa.socket_url("students", next(iter(tokens.values()))))
    outcomes = []
    for seed in seeds:
        outcome = await Round(lousa, tokens, topic, seed, messages_each).play()
        outcomes.append(outcome)
        if tell:
            print(describe(outcome), flush=True)
        if outcome.breaches:
            break
    return outcomes


def describe(outcome: Outcome) -> str:
    """Describe the outcome of a round in one line, followed by its breaches."""
    verdict = f"FAILED: {len(outcome.breaches)} breaches" if outcome.breaches else "sound"
    line = (
        f"seed {outcome.seed}: {outcome.messages} messages, killed after {outcome.killed_after}, "
        f"{outcome.pushes_again} pushed again, {outcome.holes_told} holes told, {outcome.seconds:.1f} s: {verdict}"
    )
    return "\n  ".join([line, *outcome.breaches[:20]])


def main() -> int:
    """Play the rounds given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each next one has the next number")
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--messages", type=int, default=10, help="that each student sends in a round")
    parser.add_argument("--postgresql", action="store_true", help="keep the journal in a PostgreSQL, not in SQLite")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.rounds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lousa-faults-")))
        journal = stack.enter_context(PostgreSQL(fsync=True)).create_database() if options.postgresql else None
        lousa, tokens = prepare(folder, options.students, journal)
        stack.enter_context(lousa)
        outcomes = asyncio.run(play(lousa, tokens, seeds, options.messages, tell=True))
    failed = [outcome for outcome in outcomes if outcome.breaches]
    messages = sum(outcome.messages for outcome in outcomes)
    print(f"{len(outcomes)} rounds, {messages} messages, {len(failed)} failed")
    if failed:
        print(f"Replay: python -m tests.faults --rounds 1 --seed {failed[0].seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
