"""The reports of all workers come to the one that asks."""

import asyncio
from functools import partial

from channels.cluster.scrape import ASK_CHANNEL, Report, Scrape, channel_of
from channels.metric import Kind, Metric

PUSHES = Metric("pushes_total", Kind.COUNTER, "Pushes.")


class Wire:
    """The scrapes of three workers, and what they send each other, unless it is `lost`."""

    def __init__(self, *, seconds: float = 5.0) -> None:
        self.lost: set[str] = set()
        self.reach = 2
        self.scrapes = {name: self._make(name, number, seconds) for number, name in enumerate(("one", "two", "three"))}

    def _make(self, name: str, number: int, seconds: float) -> Scrape:
        scrape = Scrape(name, partial(self._publish, name), lambda: self.reach, seconds=seconds)
        scrape.add(lambda: [PUSHES.of(number)])
        return scrape

    def _publish(self, sender: str, channel: str, data: bytes) -> None:
        for name, scrape in self.scrapes.items():
            if channel in (ASK_CHANNEL, channel_of(name)) and name not in {sender, *self.lost}:
                asyncio.get_running_loop().call_soon(scrape.receive, data)


def told(reports: list[Report]) -> dict[str, float]:
    return {report.labels["worker"]: float(report.samples[0].value) for report in reports}  # type: ignore[arg-type]


async def test_any_worker_returns_the_reports_of_all() -> None:
    wire = Wire()
    everybody = {"one": 0.0, "two": 1.0, "three": 2.0}
    assert [told(await scrape.collect()) for scrape in wire.scrapes.values()] == [everybody] * 3


async def test_lost_report_is_missing_and_the_others_come() -> None:
    wire = Wire(seconds=0.05)
    wire.lost = {"three"}
    assert told(await wire.scrapes["one"].collect()) == {"one": 0.0, "two": 1.0}


async def test_worker_alone_answers_without_asking() -> None:
    wire = Wire()
    wire.reach, wire.lost = 0, {"one", "two", "three"}
    assert told(await wire.scrapes["one"].collect()) == {"one": 0.0}


async def test_callers_share_a_request_under_way() -> None:
    wire = Wire()
    one, other = await asyncio.gather(wire.scrapes["one"].collect(), wire.scrapes["one"].collect())
    assert one is other


async def test_broken_source_costs_only_its_own_numbers() -> None:
    scrape = Scrape("one", lambda _channel, _data: None, lambda: 0)
    scrape.add(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    scrape.add(lambda: [PUSHES.of(7)])
    assert told(await scrape.collect()) == {"one": 7.0}


async def test_what_cannot_be_decoded_is_ignored() -> None:
    wire = Wire()
    wire.scrapes["one"].receive(b"\xc1")
    assert len(await wire.scrapes["one"].collect()) == 3
