"""The newest events of a topic as a feature's state."""

from channels.lesson.newest import Newest
from channels.wire.codec import Event


class Three(Newest):
    name = "three"
    events = ()
    kept = 3


def _event(seq: int) -> Event:
    return Event(seq, "test:told", b'{"seq":%d,"at":1}' % seq)


def test_newest_events_are_kept_also_over_a_snapshot() -> None:
    before = Three()
    for seq in range(1, 5):
        before.apply(_event(seq))
    after = Three()
    after.load(before.dump())
    after.apply(_event(5))
    assert [event.seq for event in after.dump()] == [3, 4, 5]
    assert [bytes(each.payload) for each in after.view()] == [_event(seq).payload for seq in (3, 4, 5)]
