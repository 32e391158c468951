"""Play a schedule by hand, as root: `python -m tests.faults.machines --seed 1 --place postgresql`."""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.cluster.report import describe
from tests.faults.machines.drill import MachinesDrill
from tests.faults.machines.plan import KINDS, LOSS, make_plan
from tests.faults.machines.site import open_machines

PUPILS = 36


def play(folder: Path, seed: int, kinds: Sequence[str]) -> bool:
    """Play one schedule, and return whether it was sound."""
    plan = make_plan(seed, kinds)
    print(f"seed {seed}:", *(f"\n  {step}, machine {step.dice + 1}" for step in plan), flush=True)
    with open_machines(folder, PUPILS) as site:
        drill = MachinesDrill(site, seed, plan)
        outcome = asyncio.run(drill.play())
        print(describe(outcome))
        print(f"  refused on the whole machine during cuts: {dict(drill.refused)}; receipts: {drill.office.receipts}")
        if not outcome.verdict.sound:
            logs = Path(tempfile.mkdtemp(prefix="lousa-machines-log-"))
            for lousa in site.lousas:
                (logs / lousa.log_file.name).write_text(lousa.log)
            print(f"The servers' logs are kept: {logs}", flush=True)
    return outcome.verdict.sound


def main() -> int:
    """Play the schedule given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.machines", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--place", choices=[*KINDS, LOSS], action="append", help="again for another; all by default")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    places = given.place or [*KINDS, LOSS]
    kinds = [kind for place in places for kind in KINDS.get(place, [LOSS])]
    with tempfile.TemporaryDirectory(prefix="lousa-machines-") as folder:
        return 0 if play(Path(folder), given.seed, kinds) else 1


if __name__ == "__main__":
    sys.exit(main())
