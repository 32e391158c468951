"""The page /metrics: what all workers have counted, in Prometheus' text format, from any one of them.

    GET -> Scrape.collect -> a report of each worker -> one sample for each metric and worker -> text

It is served on an address of its own (`--metrics-address`), or to a token among the pages (`--metrics-token`); without
either there is none. Every sample has the labels `machine`, `worker` and `start`, so that a worker and its successor
are two series: a counter never goes back within one, and `rate()` needs no guess (docs/notes/metrics.md).
"""

import hmac
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from socket import gethostname, socket
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from channels.cluster.scrape import Report, Scrape
from channels.engine.metrics import METRICS as OF_THE_ENGINE
from channels.metric import Distribution, Kind, Metric, Sample
from channels.transports.gate import METRICS as OF_THE_GATE
from channels.transports.gate import Gate
from server.accounts.sign_ins import SIGN_INS, SignIns
from server.process.health import DATABASE, RESPONSES, Health
from server.process.recent import METRICS as LATELY
from server.process.recent import Recent
from server.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LABELS = ("machine", "worker", "start")

INFO = Metric("lousa_worker_info", Kind.GAUGE, "1; which process the worker is.", ("pid", "version"))
CPU = Metric("lousa_process_cpu_seconds_total", Kind.COUNTER, "CPU time of the worker, user and system.")
MEMORY = Metric("lousa_process_resident_memory_bytes", Kind.GAUGE, "Resident memory of the worker.")
FILES = Metric("lousa_process_open_fds", Kind.GAUGE, "Open file descriptors of the worker.")
MAX_FILES = Metric("lousa_process_max_fds", Kind.GAUGE, "How many file descriptors the worker may open.")

METRICS = (*OF_THE_ENGINE, *OF_THE_GATE, SIGN_INS, DATABASE, RESPONSES, *LATELY, INFO, CPU, MEMORY, FILES, MAX_FILES)

# How long a monitor's connection may be silent; Prometheus asks each minute at the latest, by default.
IDLE_SECONDS = 150


def name_worker(scrape: Scrape, number: int) -> None:
    """Have a worker's reports say which it is; to be called once at its start."""
    scrape.labels = dict(zip(LABELS, (gethostname(), str(number), str(int(time.time()))), strict=True))


def report_server(scrape: Scrape, gate: Gate, sign_ins: SignIns, watched: Health, recent: Recent) -> None:
    """Report what the server's parts count, beside the engine's."""
    parts = (gate, sign_ins, watched, recent)
    for source in (*(part.read_numbers for part in parts), read_process):
        scrape.add(source)


def read_process() -> Iterator[Sample]:
    """Return what the system says of this process."""
    yield INFO.of(1, str(os.getpid()), VERSION)
    yield CPU.of(time.process_time())
    yield MAX_FILES.of(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    with suppress(OSError, ValueError):  # systems without /proc
        yield MEMORY.of(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
        yield FILES.of(len(os.listdir("/proc/self/fd")))  # 2 ms for 10,000


def render(reports: Sequence[Report], metrics: Iterable[Metric] = METRICS) -> bytes:
    """Return the reports as text; what another version reports and this one does not know is left out."""
    return generate_latest(_Reports(reports, metrics))


class _Reports(Collector):
    """What the library renders."""

    def __init__(self, reports: Sequence[Report], metrics: Iterable[Metric]) -> None:
        self._reports = reports
        self._metrics = metrics

    def collect(self) -> Iterator[Family]:
        found: dict[str, list[tuple[Report, Sample]]] = {}
        for report in self._reports:
            for sample in report.samples:
                found.setdefault(sample.name, []).append((report, sample))
        for metric in self._metrics:
            if metric.name in found:
                yield _family(metric, found[metric.name])


def _family(metric: Metric, samples: Iterable[tuple[Report, Sample]]) -> Any:
    family = _FAMILIES[metric.kind](metric.name, metric.meaning, labels=[*LABELS, *metric.labels])
    for report, sample in samples:
        labels = [*(report.labels.get(label, "") for label in LABELS), *sample.labels]
        if isinstance(sample.value, Distribution):
            family.add_metric(labels, _buckets(sample.value), sum_value=sample.value.sum)
        else:
            family.add_metric(labels, sample.value)
    return family


_FAMILIES: dict[Kind, Callable[..., Any]] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


def _buckets(distribution: Distribution) -> list[tuple[str, float]]:
    # Prometheus' buckets are cumulative.
    total, buckets = 0, []
    for bound, count in zip((*map(str, distribution.bounds), "+Inf"), distribution.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


class MetricsPage(RequestHandler):
    """The page /metrics; with a `token`, only for requests that have it."""

    def initialize(self, scrape: Scrape, token: str | None) -> None:
        """Take what collects the reports."""
        self._scrape = scrape
        self._token = token

    async def get(self) -> None:
        """Answer with the text, or 401."""
        self.set_header("Cache-Control", "no-store")
        if self._token is not None and not self._has(self._token):
            self.set_status(HTTPStatus.UNAUTHORIZED)
            self.set_header("WWW-Authenticate", "Bearer")
            self.finish()
            return
        text = render(await self._scrape.collect())
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(text)  # not awaited: a monitor that has gone is no error of ours

    def _has(self, token: str) -> bool:
        given = self.request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def handlers(scrape: Scrape, token: str | None) -> list[tuple[str, type, dict[str, Any]]]:
    """Return the routes among the pages: none without a token."""
    return [] if token is None else [(r"/metrics", MetricsPage, {"scrape": scrape, "token": token})]


def make_server(scrape: Scrape, sockets: Sequence[socket]) -> HTTPServer:
    """Serve the page on sockets of its own, to everybody who reaches them."""
    application = Application([(r"/metrics", MetricsPage, {"scrape": scrape, "token": None})], log_function=_be_silent)
    server = HTTPServer(application, max_body_size=0, idle_connection_timeout=IDLE_SECONDS)
    server.add_sockets(sockets)
    return server


def _be_silent(_handler: RequestHandler) -> None:
    """Log nothing: a monitor asks every few seconds."""
