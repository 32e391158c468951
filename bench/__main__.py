"""`python -m bench NAME`: run one benchmark, or `all`; print Markdown tables and save them in `build/bench`."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench import (
    backup,
    classes,
    cold,
    costs,
    crowd,
    dashboard,
    fanout,
    hostile,
    idle,
    length,
    page,
    pages,
    quiet,
    reader,
    restart,
    retention,
    slow,
    storm,
    transports,
    workers,
)
from bench.served import DATABASES, allow_many_files

ALL, PAGE = "all", "page"


def main() -> None:
    """Run the benchmark given on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Lousa, beside others where there are any: see docs/performance.md."
    )
    commands = parser.add_subparsers(required=True, metavar="NAME")
    for name, (add, about) in COMMANDS.items():
        add(commands.add_parser(name, help=about))
    options = vars(parser.parse_args())
    # On a signal, stop the servers as well.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(f"ended by signal {number}"))
    allow_many_files()
    options.pop("measure")(**options)


def _fanout(parser: argparse.ArgumentParser) -> None:
    _rounds(parser, rounds=5, seconds=4.0)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 64], dest="windows", help="messages at once")
    _peers(parser)
    parser.set_defaults(measure=fanout.measure)


def _classes(parser: argparse.ArgumentParser) -> None:
    _many_classes(parser, "classes", 250, [1_000.0, 2_500.0])


def _calm(parser: argparse.ArgumentParser) -> None:
    _many_classes(parser, "calm", 100, [200.0])


def _many_classes(parser: argparse.ArgumentParser, name: str, classes_: int, rates: Sequence[float]) -> None:
    _rounds(parser, rounds=3, seconds=8.0)
    parser.add_argument("--classes", type=int, default=classes_)
    parser.add_argument("--clients", type=int, default=20, help="in each class")
    parser.add_argument("--rates", type=float, nargs="+", default=rates, help="messages a second in all")
    _databases(parser, DATABASES)
    _peers(parser)
    parser.set_defaults(measure=partial(classes.measure, name))


def _idle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=8_000)
    _peers(parser)
    parser.set_defaults(measure=idle.measure)


def _crowd(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=30_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="of one announcement each")
    parser.set_defaults(measure=crowd.measure)


def _storm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.set_defaults(measure=storm.measure)


def _cold(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=1_000, help="that join, and as many that only connect")
    parser.add_argument("--rounds", type=int, default=3, help="in which all take turns")
    _databases(parser, DATABASES)
    _peers(parser)
    parser.set_defaults(measure=cold.measure)


def _length(parser: argparse.ArgumentParser) -> None:
    lengths = [2_000, 200_000, 500_000, 5_000_000]
    parser.add_argument("--events", type=int, nargs="+", default=lengths, dest="lengths", help="of the class")
    _databases(parser, DATABASES)
    parser.set_defaults(measure=length.measure)


def _retention(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=1_000_000, help="that are deleted")
    parser.add_argument("--seconds", type=float, default=10.0, help="before")
    parser.set_defaults(measure=retention.measure)


def _restart(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    _databases(parser, DATABASES)
    parser.set_defaults(measure=restart.measure)


def _backup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gigabytes", type=float, default=2.0, help="of the journal")
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--clients", type=int, default=20, help="in each class")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second in all")
    _databases(parser, DATABASES)
    parser.set_defaults(measure=backup.measure)


def _slow(parser: argparse.ArgumentParser) -> None:
    _rounds(parser, rounds=4, seconds=8.0)
    parser.add_argument("--clients", type=int, default=1_000, help="of the class, of which a tenth stalls or not")
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.set_defaults(measure=slow.measure)


def _hostile(parser: argparse.ArgumentParser) -> None:
    _rounds(parser, rounds=3, seconds=4.0)
    parser.add_argument("--clients", type=int, default=30, help="of the class")
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--kinds", nargs="+", default=(), metavar="KIND", help="only these attacks")
    parser.set_defaults(measure=hostile.measure)


def _profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=2_000, help="of one class")
    parser.add_argument("--classes", type=int, default=250, help="of many")
    parser.add_argument("--clients-of-a-class", type=int, default=20)
    parser.add_argument("--returning", type=int, default=6_000, help="clients that come back at once")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=1_000.0, help="messages a second to many classes")
    parser.set_defaults(measure=costs.measure)


def _workers(parser: argparse.ArgumentParser) -> None:
    _rounds(parser, rounds=4, seconds=4.0)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 64], dest="windows", help="in one class")
    parser.add_argument("--classes", type=int, default=100, help="among which the clients are dealt out, then")
    parser.add_argument("--rate", type=float, default=500.0, help="messages a second to all these classes")
    parser.set_defaults(measure=workers.measure)


def _transports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=5_000, help="of each kind")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best is told")
    parser.set_defaults(measure=transports.measure)


def _reader(parser: argparse.ArgumentParser) -> None:
    _rounds(parser, rounds=5, seconds=2.0)
    parser.set_defaults(measure=reader.measure)


def _pages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--before", type=Path, metavar="PATH", help="a checkout of an older tree, measured as well")
    parser.add_argument("--only", nargs="+", default=(), dest="halves", choices=tuple(pages.HALVES), help="only these")
    parser.set_defaults(measure=pages.measure)


def _dashboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classes", type=int, nargs="+", default=[300, 4_000], help="of each school")
    parser.add_argument("--seconds", type=int, default=180, help="of lessons, which pass at once")
    parser.set_defaults(measure=dashboard.measure)


def _all(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=_measure_all)


def _measure_all() -> None:
    """Run every benchmark in its own process; a failed one does not stop the others."""
    names = [name for name in COMMANDS if name not in (ALL, PAGE)]
    failed = [name for name in names if subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode]
    page.draw()
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def _quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=30_000, help="clients of one worker, measured first")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    _databases(parser, DATABASES)
    parser.set_defaults(measure=quiet.measure)


def _page(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=page.write)


def _rounds(parser: argparse.ArgumentParser, rounds: int, seconds: float) -> None:
    parser.add_argument("--rounds", type=int, default=rounds, help="in which all take turns")
    parser.add_argument("--seconds", type=float, default=seconds, help="of each measurement")


def _databases(parser: argparse.ArgumentParser, usual: Sequence[str]) -> None:
    parser.add_argument(
        "--database", nargs="+", default=usual, choices=DATABASES, dest="databases", help="Lousa's, one after another"
    )


def _peers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peers", nargs="+", default=(), dest="names", metavar="NAME", help="only these")


COMMANDS = {
    "fanout": (_fanout, "messages to one large class, beside all peers"),
    "classes": (_classes, "messages to many classes of 20, beside all peers"),
    "calm": (_calm, "a few messages to many classes of 20: their latency beside that of one commit"),
    "idle": (_idle, "the memory of a client that is connected and silent"),
    "crowd": (_crowd, "an announcement to a whole school on two workers"),
    "storm": (_storm, "a whole school comes back at once"),
    "cold": (_cold, "the CPU of a connect and a join, one after another, to a server that knows nothing yet"),
    "length": (_length, "a join of a class that has had thousands or millions of messages, after a restart"),
    "retention": (_retention, "what a class notices while a million old events are deleted"),
    "restart": (_restart, "a server is killed with all its clients, and all come back"),
    "backup": (_backup, "a backup while 200 messages a second are sent: its time, and what others notice of it"),
    "slow": (_slow, "what others notice of clients that read nothing"),
    "hostile": (_hostile, "what others notice of twenty hostile clients"),
    "profile": (_profile, "in which functions Lousa spends its CPU"),
    "workers": (_workers, "what 1, 2 and 4 workers cost, and the broker's part of it"),
    "transports": (_transports, "as many WebSockets as long-polls in one school"),
    "reader": (_reader, "what a message of Redis' pub/sub costs to read"),
    "pages": (_pages, "the pages in a browser: loading, and the work of a lesson"),
    "dashboard": (_dashboard, "what the principal's dashboard costs a worker each second"),
    "quiet": (_quiet, "what workers cost and ask their databases while nothing happens"),
    ALL: (_all, "everything, one after another"),
    PAGE: (_page, "put the newest results into docs/performance.md"),
}

if __name__ == "__main__":
    main()
