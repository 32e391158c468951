"""`python -m bench fanout`, `workers`, `reader` or `transports`: measure, and print tables in Markdown."""

import argparse

from bench import fanout, reader, transports, workers

# Of the reader: messages a second, and how many of them are published together. One at a time, a tenth of them.
READER_LOADS = [(20_000, 100), (20_000, 20), (20_000, 4), (2_000, 1)]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Lousa, beside others where there are any: see docs/performance.md."
    )
    commands = parser.add_subparsers(required=True, metavar="fanout | workers | reader | transports")
    _add_fanout(commands.add_parser("fanout", help="messages to one large class, beside plain Tornado"))
    _add_workers(commands.add_parser("workers", help="what 1, 2 and 4 workers cost, and the broker's part of it"))
    _add_reader(commands.add_parser("reader", help="what a message of Redis' pub/sub costs to read"))
    _add_transports(commands.add_parser("transports", help="as many WebSockets as long-polls in one school"))
    options = parser.parse_args()
    options.measure(options)


def _add_fanout(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, clients=2_000, rounds=5, seconds=5.0)
    parser.set_defaults(measure=_fanout)


def _add_workers(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, clients=2_000, rounds=4, seconds=4.0)
    parser.add_argument("--classes", type=int, default=100, help="among which the clients are dealt out, then")
    parser.add_argument("--rate", type=float, default=500.0, help="messages a second to all these classes")
    parser.set_defaults(measure=_workers)


def _add_common(parser: argparse.ArgumentParser, clients: int, rounds: int, seconds: float) -> None:
    parser.add_argument("--clients", type=int, default=clients)
    parser.add_argument("--rounds", type=int, default=rounds, help="in which all take turns")
    parser.add_argument("--seconds", type=float, default=seconds, help="of each measurement")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 64], help="messages in one class at once")


def _add_reader(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="of which the best is told")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.set_defaults(measure=_reader)


def _add_transports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=5_000, help="of each kind")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best is told")
    parser.set_defaults(measure=_transports)


def _fanout(options: argparse.Namespace) -> None:
    senders = min(options.clients, max(options.in_flight))
    figures = fanout.measure(options.clients, senders, options.rounds, options.seconds, options.in_flight)
    print(fanout.report(figures))


def _workers(options: argparse.Namespace) -> None:
    common = (options.rounds, options.seconds)
    in_flight = [workers.one_class(number) for number in options.in_flight]
    print(workers.report(workers.measure(options.clients, 1, *common, in_flight)), flush=True)
    paced = [workers.many_classes(options.rate)]
    print(workers.report(workers.measure(options.clients, options.classes, *common, paced)))


def _reader(options: argparse.Namespace) -> None:
    print(reader.report(reader.measure(options.rounds, options.seconds, READER_LOADS)))


def _transports(options: argparse.Namespace) -> None:
    print(transports.report(*transports.measure(options.clients, options.rounds)))


if __name__ == "__main__":
    main()
