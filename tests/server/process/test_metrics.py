"""The page /metrics: its text, and who may read it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient, HTTPError
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from channels.cluster.scrape import Report, Scrape
from channels.metric import Distribution, Kind, Metric
from server.process.metrics import (
    METRICS,
    handlers,
    make_server,
    name_worker,
    read_process,
    render,
)

PUSHES = Metric("pushes_total", Kind.COUNTER, "Pushes.", ("event",))
TOOK = Metric("took_seconds", Kind.HISTOGRAM, "What it took.")
TOKEN = "0123456789abcdef"

Values = Mapping[tuple[str, ...], float]


def read(text: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Read a page as Prometheus' own library does: the samples by name."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def scrape_of(number: int = 1) -> Scrape:
    scrape = Scrape("one", lambda _channel, _data: None, lambda: 0)
    name_worker(scrape, number)
    scrape.add(read_process)
    return scrape


@asynccontextmanager
async def serving(server: HTTPServer, port: int) -> AsyncIterator[str]:
    try:
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        server.stop()
        await server.close_all_connections()


def test_each_worker_and_start_has_series_of_its_own() -> None:
    workers = [{"machine": "one", "worker": "1", "start": start} for start in ("100", "200")]
    reports = [Report(labels, [PUSHES.of(3, "message:send")]) for labels in workers]
    assert read(render(reports, [PUSHES]))["pushes_total"] == [
        ({**labels, "event": "message:send"}, 3.0) for labels in workers
    ]


def test_buckets_are_cumulative() -> None:
    report = Report({}, [TOOK.of(Distribution((0.1, 1.0), [2, 3, 1], 4.5))])
    found = read(render([report], [TOOK]))
    assert [(labels["le"], value) for labels, value in found["took_seconds_bucket"]] == [
        ("0.1", 2.0),
        ("1.0", 5.0),
        ("+Inf", 6.0),
    ]
    assert (found["took_seconds_count"][0][1], found["took_seconds_sum"][0][1]) == (6.0, 4.5)


def test_metric_of_another_version_is_left_out() -> None:
    assert render([Report({}, [PUSHES.of(1, "x")])], [TOOK]) == b""


def test_names_follow_the_rules_of_prometheus() -> None:
    for metric in METRICS:
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER), metric.name
        assert metric.name.startswith("lousa_"), metric.name
    assert len({metric.name for metric in METRICS}) == len(METRICS)


async def test_page_on_its_own_address_needs_no_token() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    async with serving(make_server(scrape_of(3), sockets), sockets[0].getsockname()[1]) as url:
        answer = await AsyncHTTPClient().fetch(url)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert [labels["worker"] for labels, _ in read(answer.body)["lousa_worker_info"]] == ["3"]


async def test_page_among_others_needs_the_token() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application(handlers(scrape_of(), TOKEN)))
    server.add_sockets(sockets)
    async with serving(server, sockets[0].getsockname()[1]) as url:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}):
            with pytest.raises(HTTPError, match="401"):
                await AsyncHTTPClient().fetch(url, headers=headers)
        answer = await AsyncHTTPClient().fetch(url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert "lousa_process_cpu_seconds_total" in read(answer.body)


def test_without_a_token_there_is_no_page_among_others() -> None:
    assert handlers(scrape_of(), None) == []


async def test_scrape_of_a_client_that_left_is_no_error() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    async with serving(make_server(scrape_of(), sockets), sockets[0].getsockname()[1]) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", sockets[0].getsockname()[1])
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.abort()
        assert (await AsyncHTTPClient().fetch(url)).code == 200
