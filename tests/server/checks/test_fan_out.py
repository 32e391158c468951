from pathlib import Path

import pytest

from server.checks.fan_out import check_fan_out
from server.settings import Settings, database_urls


@pytest.mark.parametrize(
    ("url", "workers", "machines", "state", "words"),
    [
        (None, 1, 1, "ok", "needs none"),
        (None, 2, 1, "ok", "a private one"),
        (None, 1, 2, "error", "No Redis joins the machines"),
        ("redis://127.0.0.1:1", 1, 1, "warning", "It is away"),
        ("redis://redis.example", 1, 1, "error", "SQLite cannot keep"),
        ("http://127.0.0.1", 1, 1, "error", "is not a URL"),
    ],
)
async def test_fan_out(url: str | None, workers: int, machines: int, state: str, words: str, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, databases=database_urls(tmp_path), workers=workers, redis_urls=() if url is None else (url,)
    )
    (finding,) = [each async for each in check_fan_out(settings, machines)]
    assert (finding.state, words in finding.text) == (state, True), finding
