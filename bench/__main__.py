"""`python -m bench fanout`: measure, and print a table in Markdown."""

import argparse

from bench.fanout import measure, report


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Lousa beside its peers.")
    commands = parser.add_subparsers(required=True)
    fanout = commands.add_parser("fanout", help="messages to one large class")
    fanout.add_argument("--clients", type=int, default=2_000)
    fanout.add_argument("--rounds", type=int, default=5, help="of which the best is told")
    fanout.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    fanout.add_argument("--in-flight", type=int, nargs="+", default=[1, 64])
    options = parser.parse_args()
    senders = min(options.clients, max(options.in_flight))
    print(report(measure(options.clients, senders, options.rounds, options.seconds, options.in_flight)))


if __name__ == "__main__":
    main()
