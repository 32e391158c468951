"""Play lessons by hand: `python -m tests.faults.lesson --schedules 6 --seconds 40 --seed 1 --database postgresql`.

The same seed gives the same choices; where exactly a kill strikes depends on the machine as well. It fails, too, where
some durable kind of event happened in none of the lessons: then they show nothing of it, or there were too few.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.faults.cluster.site import open_site
from tests.faults.lesson.actor import durable_events
from tests.faults.lesson.drill import Drill, Outcome
from tests.roster import PRINCIPAL, TEACHER

PUPILS, CLASSES, WORKERS = 10, 2, 4


def main() -> int:
    """Play the lessons given on the command line; stop after the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.lesson", description=__doc__)
    parser.add_argument("--schedules", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=40, help="of each")
    parser.add_argument("--seed", type=int, default=1, help="of the first; each next one has the next number")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    never = frozenset(durable_events())
    for seed in range(given.seed, given.seed + given.schedules):
        outcome = play(seed, given.seconds, given.database)
        never &= outcome.missing
        print(outcome, flush=True)
        if outcome.faults:
            options = f"--schedules 1 --seconds {given.seconds:g} --seed {seed} --database {given.database}"
            print(f"Replay: python -m tests.faults.lesson {options}")
            return 1
    if never:
        print(f"In no lesson: {', '.join(sorted(never))}")
    return int(bool(never))


def play(seed: int, seconds: float, database: str) -> Outcome:
    """Play one lesson, in a school of its own: the fold is that of its whole journal."""
    with (
        tempfile.TemporaryDirectory(prefix="lousa-lesson-", ignore_cleanup_errors=True) as folder,
        open_site(Path(folder), database, PUPILS, WORKERS, CLASSES) as site,
    ):
        tokens = site.tokens | site.lousa.tokens(TEACHER, PRINCIPAL)
        return asyncio.run(Drill(site, tokens, seed, seconds, kill_server=True).play())


if __name__ == "__main__":
    sys.exit(main())
