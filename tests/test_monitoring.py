"""The alerts and the dashboard in deploy/monitoring, by a real Prometheus, over the faults that they are for."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.process.metrics import METRICS
from tests.carrier import Gone
from tests.crew import Crew, until
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.phoenix import Connection, ErrorReply
from tests.programs import free_port, program
from tests.redis import RedisServer

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "deploy" / "monitoring"

# Four workers that start on a busy machine, and a minute's rate of what they did.
BUSY_SECONDS = 90.0

DASHBOARD = json.loads((MONITORING / "grafana.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "1m")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}


def names(text: str) -> set[str]:
    """Return the metrics in an expression, without what Prometheus appends to histograms'."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\blousa_[a-z_]+", text)}


def test_alerts_and_panels_use_metrics_that_exist() -> None:
    known = {metric.name for metric in METRICS}
    alerts = re.findall(r"expr: (.*)", (MONITORING / "alerts.yml").read_text())
    assert len(alerts) > 10
    assert names(" ".join((*alerts, *QUERIES.values()))) <= known


def test_every_alert_is_explained_to_operators() -> None:
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    told = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in alerts if f"`{name}`" not in told] == []


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", str(MONITORING / "alerts.yml")],
        ["check", "config", str(MONITORING / "prometheus.yml")],
        ["test", "rules", str(ROOT / "tests" / "alerts.yml")],
    ],
)
def test_promtool_accepts_the_rules(arguments: list[str]) -> None:
    checked = subprocess.run([program("promtool", "prometheus"), *arguments], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


class Prometheus:
    """A server that scrapes each second, with our rules, whose alerts do not wait."""

    def __init__(self, folder: Path, target: int) -> None:
        self._port = free_port()
        rules = re.sub(r"for: \w+", "for: 1s", (MONITORING / "alerts.yml").read_text())
        (folder / "alerts.yml").write_text(rules)
        config = (MONITORING / "prometheus.yml").read_text().replace("15s", "1s").replace("9109", str(target))
        (folder / "prometheus.yml").write_text(config)
        self._process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the series of a query; none while Prometheus starts."""
        url = f"http://127.0.0.1:{self._port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return found

    def value(self, query: str) -> float:
        """Return the value of a query with one series; minus one where it has none."""
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else -1.0

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis that the test stops."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


def refused_sign_in(lousa: Lousa) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(f"{lousa.url}/accounts/sign-in", timeout=10) as page:
        xsrf = re.findall(r'name="_xsrf" value="([^"]+)"', page.read().decode())[0]
    form = urllib.parse.urlencode({"login": "ana", "password": "wrong", "_xsrf": xsrf}).encode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.open(f"{lousa.url}/accounts/sign-in", form, timeout=10)
    refused.value.close()


async def work(crew: Crew, tokens: dict[str, str]) -> None:
    """Do once what the panels show: come, say something, be refused, leave, and be turned away."""
    ana = await Connection.open(crew.socket_url("students", tokens["ana"]), lambda *_: None)
    joined = await ana.join("user:me")
    topic = next(each["topic"] for each in joined["topics"] if each["topic"].startswith("class:"))
    await ana.join(topic)
    await ana.request(topic, "message:send", {"text": "Bom dia", "id": str(time.monotonic_ns())})
    with pytest.raises(ErrorReply):
        await ana.request(topic, "chat:lock", {})
    ana.close()
    with pytest.raises(Gone):
        await Connection.open(crew.socket_url("students", "unknown"), lambda *_: None)
    await asyncio.to_thread(refused_sign_in, crew)  # each time: a rate looks back for a minute


@pytest.mark.long
async def test_prometheus_sees_a_kill_a_replacement_and_a_stop_of_redis(tmp_path: Path, redis: RedisServer) -> None:
    port = free_port()
    options = ["--redis-url", redis.url, "--metrics-address", f"127.0.0.1:{port}", "--drain-seconds", "1"]
    crew = Crew(tmp_path / "school", 4, *options, expected_errors=["was ended by SIGKILL"])
    crew.run("roster", "import", str(DEMO_SCHOOL))
    crew.run("backup", str(tmp_path / "backup"))
    tokens = crew.tokens("ana")
    with crew:
        prometheus = Prometheus(tmp_path, port)
        try:
            await _watch(crew, tokens, prometheus, redis)
        finally:
            prometheus.stop()


async def _watch(crew: Crew, tokens: dict[str, str], prometheus: Prometheus, redis: RedisServer) -> None:
    async def busy_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, "it did not come to that"
            with suppress(Gone, ConnectionError, urllib.error.URLError):  # by the kill, or the replacement
                await work(crew, tokens)
            await asyncio.sleep(0.2)  # a user's connections have a rate

    await busy_until(lambda: prometheus.value("count(lousa_worker_info)") == 4)
    os.kill(crew.workers[2], signal.SIGKILL)
    starts = "count(count by (worker, start) (last_over_time(lousa_worker_info[10m])))"
    await busy_until(lambda: prometheus.value(starts) == 5)
    crew.signal(signal.SIGHUP)
    await busy_until(lambda: prometheus.value(starts) == 9 and prometheus.value("count(lousa_worker_info)") == 4)
    await busy_until(lambda: [name for name, query in QUERIES.items() if not prometheus.ask(query)] == [])
    redis.kill()
    firing = 'ALERTS{alertname="LousaRedisAway", alertstate="firing"}'
    await until(lambda: bool(prometheus.ask(firing)))
    redis.start()
    await until(lambda: not prometheus.ask(firing) and prometheus.value("min(lousa_broker_connected)") == 1)
    assert not _falls(prometheus)


def _falls(prometheus: Prometheus) -> list[str]:
    """Return the counters that have ever gone back."""
    series = prometheus.ask('{__name__=~"lousa_.*_(total|count|bucket)"}[10m]')
    assert len(series) > 100
    values = {str(each["metric"]): [float(value) for _, value in each["values"]] for each in series}
    return [name for name, counts in values.items() if counts != sorted(counts)]
