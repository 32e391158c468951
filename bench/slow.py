"""The effect of clients that read nothing ("stalled" in the tables) on a class in which they are a tenth.

The messages are long, so that a connection that is not read is full within a second; the server then buffers messages
up to a bound and closes it. For comparison the same class is measured while all clients read.
"""

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.client import Address, Class, Client
from bench.dialect import Phoenix
from bench.drain import Drain
from bench.generator import Generator, generator
from bench.load import Load
from bench.result import MILLISECONDS, keep, middle, percentile, say, table
from bench.served import GENERATOR_CORES, Server, lousa

SENDERS = 20
STALLED_PART = 10
# Two printed pages, the longest message allowed; and the receive buffer of a client that does not read.
TEXT = "x" * 4_000
BUFFER_BYTES = 4_096
# A time at which the unread connections are full and not all of them are closed.
FULL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: latencies in seconds from a message's push to the last of the reading clients."""

    stalled: bool
    clients: int
    messages: int
    missing: int
    p50: float
    p99: float
    server_cpu: float
    still_connected: int


class Bystanders:
    """A tenth of the class, in its own process: connected, and either reading or not."""

    def __init__(self, port: int, classroom: Class, stalled: bool) -> None:
        self._clients = []
        for seat in classroom.seats:
            client = Client(Address(port, seat.path, buffer_bytes=BUFFER_BYTES if stalled else 0))
            Phoenix().join(client, classroom.topic)
            self._clients.append(client)
        self._drain = None if stalled else Drain([client.socket for client in self._clients], [])

    def attend(self, seconds: float) -> int:
        """Read, or not, for this time; return how many clients are still connected."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self._drain is None:
                time.sleep(left)
            else:
                self._drain.wait(left)
        return sum(not _is_closed(client) for client in self._clients)


def _is_closed(client: Client) -> bool:
    poll = select.poll()
    poll.register(client.socket, select.POLLRDHUP)
    return bool(poll.poll(0))


def measure(clients: int, rounds: int, seconds: float, rate: float) -> None:
    """Measure with and without clients that do not read, in turn, and save the figures."""
    figures = []
    with lousa(1, clients) as server:
        (whole,) = server.classes
        tenth = Class(whole.topic, whole.seats[: clients // STALLED_PART])
        others = Class(whole.topic, whole.seats[clients // STALLED_PART :])
        with generator(GENERATOR_CORES, Load.join, server.port, Phoenix(TEXT), [others], SENDERS) as load:
            for number in range(rounds):
                for stalled in (False, True):
                    figures.append(_measure(server, load, tenth, stalled, seconds, rate))
                    say(f"{number + 1}/{rounds} {' | '.join(_cells(figures[-1:]))}")
    keep("slow", figures, report(figures))


def _measure(server: Server, load: Generator[Load], tenth: Class, stalled: bool, seconds: float, rate: float) -> Figure:
    with generator(GENERATOR_CORES, Bystanders, server.port, tenth, stalled) as bystanders:
        load.call(Load.settle)
        bystanders.start(Bystanders.attend, FULL_SECONDS + seconds)
        load.call(Load.run_at, FULL_SECONDS, rate)
        before = server.cpu_seconds()
        run = load.call(Load.run_at, seconds, rate)
        used = server.cpu_seconds() - before
        connected = bystanders.result()
    p50, p99 = (percentile(run.latencies, percent) for percent in (50, 99))
    return Figure(stalled, len(tenth.seats), run.messages, run.missing, p50, p99, used, connected)


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle rounds, with the effect on the latency of the other clients."""
    columns = ["a tenth", "to the last of the others: p50", "p99", "over the rounds", "CPU ms a message", "lost"]
    rows = [_cells([figure for figure in figures if figure.stalled is stalled]) for stalled in (False, True)]
    p99 = {stalled: _middle([each for each in figures if each.stalled is stalled]).p99 for stalled in (True, False)}
    return table(columns, rows) + f"\n\np99 with stalled clients is {p99[True] / p99[False]:.2f} times that without.\n"


def _middle(figures: Sequence[Figure]) -> Figure:
    return middle(figures, lambda figure: figure.p99)


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen, waits = _middle(figures), [figure.p99 * MILLISECONDS for figure in figures]
    connected = f"stalled, {chosen.still_connected} of {chosen.clients} still connected at the end"
    return [
        connected if chosen.stalled else "reads",
        f"{chosen.p50 * MILLISECONDS:.1f} ms",
        f"{chosen.p99 * MILLISECONDS:.1f} ms",
        f"{min(waits):.1f} to {max(waits):.1f} ms",
        f"{chosen.server_cpu / chosen.messages * MILLISECONDS:.2f}",
        f"{sum(figure.missing for figure in figures)}",
    ]
