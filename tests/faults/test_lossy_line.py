"""A line to PostgreSQL that loses packets costs others nothing. By hand: python -m tests.faults.lossy_line."""

import pytest

from tests.faults.lossy_line import play

pytestmark = [pytest.mark.faults, pytest.mark.postgresql, pytest.mark.long, pytest.mark.timeout(120)]


async def test_lost_packets_of_one_machine_refuse_nothing_of_another() -> None:
    (whole, lossy), positions = await play(seconds=20.0, loss=20)
    for figure in (whole, lossy):
        print(figure.line())
        assert {push_id: seq for push_id, (seq, _) in figure.stored.items()}.items() <= positions.items()
    assert whole.refused == 0
    assert lossy.stored
