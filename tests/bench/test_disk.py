"""The time of one commit is measured on the disk and on PostgreSQL."""

from pathlib import Path

from bench.disk import row_seconds, sync_seconds

COUNT = 3


def test_syncs_of_a_file_are_timed(tmp_path: Path) -> None:
    took = sync_seconds(tmp_path, COUNT)
    assert len(took) == COUNT
    assert 0 < took[0] <= took[-1]


async def test_transactions_of_postgresql_are_timed(postgresql_url: str) -> None:
    took = await row_seconds(postgresql_url, COUNT)
    assert len(took) == COUNT
    assert 0 < took[0] <= took[-1]
