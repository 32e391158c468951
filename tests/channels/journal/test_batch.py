"""Batches split so that what the database refuses is found in few transactions."""

import pytest

from channels.journal.batch import Batch
from channels.journal.entry import Entry, Group, Mark, Snapshot


def group(topic: str) -> Group:
    return Group([Entry(topic, "message:new", b"{}", 1, None, 0)], lambda outcome: None)


def test_batch_counts_groups_marks_and_snapshots() -> None:
    assert len(Batch([group("a"), group("b")], [Mark("a", 1, 1, 0)], [Snapshot("a", 1, b"")])) == 4


def test_topics_are_those_that_get_events() -> None:
    assert Batch([group("a"), group("b"), group("a")], [Mark("c", 1, 1, 0)]).topics == {"a", "b"}


def test_mixed_batch_splits_by_kind_in_order() -> None:
    parts = Batch([group("a"), group("b")], [Mark("a", 1, 1, 0)], [Snapshot("a", 1, b"")]).split()
    assert [(len(part.groups), len(part.marks), len(part.snapshots)) for part in parts] == [
        (2, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]


def test_batch_of_one_kind_splits_into_halves_in_order() -> None:
    groups = [group(str(number)) for number in range(5)]
    first, second = Batch(groups).split()
    assert [*first.groups, *second.groups] == groups
    assert len(first.groups) == 2


@pytest.mark.parametrize("bad", [0, 249, 499])
def test_halving_finds_one_bad_group_in_few_steps(bad: int) -> None:
    groups = [group(str(number)) for number in range(500)]
    waiting, tried = [Batch(groups)], 0
    refused: list[Group] = []
    while waiting:
        batch = waiting.pop()
        tried += 1
        if groups[bad] not in batch.groups:
            continue
        if len(batch) == 1:
            refused += batch.groups
        else:
            waiting += reversed(batch.split())
    assert refused == [groups[bad]]
    assert tried <= 19
