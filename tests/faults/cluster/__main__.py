"""Play schedules by hand: `python -m tests.faults.cluster --schedules 30 --seconds 60 --seed 1 --database postgresql`.

A failed schedule prints how to replay it. The same seed gives the same plan and the same pupils; where exactly a
fault strikes depends on the machine as well.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

from tests.faults.cluster.drill import Drill, Outcome
from tests.faults.cluster.plan import KINDS, kinds_for, make_plan
from tests.faults.cluster.report import describe, summary
from tests.faults.cluster.site import DATABASES, open_site

PUPILS = 200
WORKERS = 4


def play(
    outcomes: list[Outcome],
    database: str,
    seeds: range,
    seconds: float,
    kinds: tuple[str, ...],
    pupils: int,
    workers: int,
) -> None:
    """Play one schedule per seed on one site; stop after the first failure."""
    with (
        tempfile.TemporaryDirectory(prefix="lousa-cluster-", ignore_cleanup_errors=True) as folder,
        open_site(Path(folder), database, pupils, workers) as site,
    ):
        for seed in seeds:
            plan = make_plan(seed, seconds, kinds)
            print(f"seed {seed}:", *(f"\n  {step}" for step in plan), flush=True)
            outcomes.append(asyncio.run(Drill(site, seed, seconds, plan).play()))
            print(describe(outcomes[-1]), f"\n  the machine's load: {os.getloadavg()[0]:.1f}", flush=True)
            if not outcomes[-1].verdict.sound:
                keep = Path(tempfile.gettempdir()) / f"lousa-cluster-{database}-{seed}.log"
                keep.write_text(site.lousa.log)
                print(f"The server's log is kept: {keep}", flush=True)
                break


def main() -> int:
    """Play the schedules given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.cluster", description=__doc__)
    parser.add_argument("--schedules", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60, help="of each schedule")
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule; each next one has the next number")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--pupils", type=int, default=PUPILS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--faults", help=f"only these, with commas between: {', '.join(KINDS)}")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    kinds = tuple(given.faults.split(",")) if given.faults else kinds_for(given.database)
    seeds = range(given.seed, given.seed + given.schedules)
    outcomes: list[Outcome] = []
    try:
        play(outcomes, given.database, seeds, given.seconds, kinds, given.pupils, given.workers)
    finally:  # also when the server's log has an unexpected error
        print(summary(outcomes), flush=True)
    failed = [outcome for outcome in outcomes if not outcome.verdict.sound]
    for outcome in failed:
        only = f" --faults {given.faults}" if given.faults else ""
        options = f"--schedules 1 --seconds {given.seconds:g} --seed {outcome.seed} --database {given.database}{only}"
        print(f"Replay: python -m tests.faults.cluster {options}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
