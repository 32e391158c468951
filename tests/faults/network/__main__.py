"""Play schedules by hand: `python -m tests.faults.network --schedules 12 --seconds 20 --seed 1 --workers 4`.

The schedules take the faults in turn. A failed one prints how to replay it: the seed fixes the actions of each client
and the fate of the n-th connection; which connection is the n-th also depends on the machine.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.cluster.site import open_site
from tests.faults.network.drill import Crowd, Drill, Outcome
from tests.faults.network.fault import FAULTS, KILLED_WORKERS
from tests.faults.network.report import describe, summary

WORKERS = 4
CLASSES = 2


def play(
    outcomes: list[Outcome], seeds: range, seconds: float, faults: Sequence[str], workers: int, crowd: Crowd
) -> None:
    """Play one schedule per seed on one site; stop after the first failure."""
    with (
        tempfile.TemporaryDirectory(prefix="lousa-network-", ignore_cleanup_errors=True) as folder,
        open_site(Path(folder), "sqlite", crowd.logins, workers, CLASSES) as site,
    ):
        for seed in seeds:
            fault = faults[seed % len(faults)]
            outcomes.append(asyncio.run(Drill(site, seed, seconds, fault, crowd).play()))
            print(describe(outcomes[-1]), flush=True)
            if not outcomes[-1].verdict.sound:
                keep = Path(tempfile.gettempdir()) / f"lousa-network-{fault}-{seed}.log"
                keep.write_text(site.lousa.log)
                print(f"The server's log is kept: {keep}", flush=True)
                break


def main() -> int:
    """Play the schedules given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.network", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2 * len(FAULTS))
    parser.add_argument("--seconds", type=float, default=20, help="of bad weather in each schedule")
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule; each next one has the next number")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--faults", help=f"only these, with commas between: {', '.join(FAULTS)}")
    for kind in ("pages", "polls", "websockets", "stock"):
        parser.add_argument(f"--{kind}", type=int, default=getattr(Crowd(), kind), help="how many clients")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    crowd = Crowd(given.pages, given.polls, given.websockets, given.stock)
    seeds = range(given.seed, given.seed + given.schedules)
    outcomes: list[Outcome] = []
    try:
        play(outcomes, seeds, given.seconds, _faults(given.faults, given.workers), given.workers, crowd)
    finally:  # also when the server's log has an unexpected error
        print(summary(outcomes), flush=True)
    failed = [outcome for outcome in outcomes if not outcome.verdict.sound]
    for outcome in failed:
        options = (
            f"--seconds {given.seconds:g} --seed {outcome.seed} --workers {given.workers} --faults {outcome.fault}"
        )
        print(f"Replay: python -m tests.faults.network --schedules 1 {options}")
    return 1 if failed else 0


def _faults(named: str | None, workers: int) -> list[str]:
    if named is not None:
        return named.split(",")
    # A single worker has no supervisor to restart it.
    return [fault for fault in FAULTS if workers > 1 or fault != KILLED_WORKERS]


if __name__ == "__main__":
    sys.exit(main())
