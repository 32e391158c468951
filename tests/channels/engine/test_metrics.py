"""What an engine reports for a monitor."""

from channels.broker.memory import MemoryBus
from channels.cluster.scrape import Report
from channels.engine.metrics import METRICS
from channels.metric import Distribution
from tests.channels.support import ANA, PAULA, MakeWorker

CLASS = "class:7"


def number(report: Report, name: str, *labels: str) -> float:
    """Return the value of a metric, or how many observations it has; 0 where it is not reported."""
    for sample in report.samples:
        if (sample.name, *sample.labels) == (name, *labels):
            return float(sum(sample.value.counts)) if isinstance(sample.value, Distribution) else sample.value
    return 0.0


async def test_pushes_commits_and_refusals_are_counted(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    ana = worker.connect(ANA)
    await ana.ok(CLASS, "phx_join")
    await ana.ok(CLASS, "message:send", {"text": "Bom dia", "id": "1"})
    await ana.refused(CLASS, "chat:lock", {})
    (report,) = await worker.engine.scrape.collect()
    assert number(report, "lousa_connections", "student", "websocket") == 1
    assert number(report, "lousa_joins_total") == 1
    assert number(report, "lousa_pushes_total", "message:send") == 1
    assert number(report, "lousa_refusals_total", "forbidden") == 1
    assert number(report, "lousa_commit_entries") == number(report, "lousa_entries_committed_total") == 1
    assert number(report, "lousa_delivery_seconds") == 1


async def test_closed_connection_is_counted_by_its_code(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    worker.engine.disconnect(worker.connect(PAULA).session)
    (report,) = await worker.engine.scrape.collect()
    assert number(report, "lousa_connections_opened_total", "teacher") == 1
    assert number(report, "lousa_connections_closed_total", "1000") == 1
    assert number(report, "lousa_connections", "teacher", "websocket") == 0


async def test_one_worker_reports_what_another_has_counted(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, other = await make_worker(bus), await make_worker(bus)
    paula = one.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    reports = await other.engine.scrape.collect()
    assert sorted(number(report, "lousa_joins_total") for report in reports) == [0, 1]


async def test_every_sample_is_of_a_described_metric(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    described = {metric.name: len(metric.labels) for metric in METRICS}
    (report,) = await worker.engine.scrape.collect()
    assert {sample.name: len(sample.labels) for sample in report.samples}.items() <= described.items()
