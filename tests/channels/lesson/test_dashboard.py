"""The principal's snapshots, by numbers that are given."""

from channels.cluster.message_rates import CHART_MINUTES, MINUTE, MessageRates
from channels.cluster.presence import ONLINE, Presence
from channels.lesson.dashboard import ClassRow, Dashboard
from channels.limit import Limits
from channels.member import Classroom, Member
from channels.sessions.session import Session
from channels.wire.codec import JSON
from tests.channels.support import ANA, CLASS, OTHER_CLASS, PAULA, SCHOOL, Notes

HOUR = 3_600_000  # ms


class Clock:
    """A clock that the test turns."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds since 1970."""
        return self.now


def session_of(who: Member) -> Session:
    return Session(who, JSON, Limits(), 0.0, Notes())


def test_classes_are_sorted_by_title_with_their_presence() -> None:
    presence = Presence()
    for who in (ANA, ANA, PAULA):
        session = session_of(who)
        presence.enter(ONLINE, session)
        presence.enter(CLASS.topic, session)
    snapshot = Dashboard(presence, MessageRates(Clock())).view({8: OTHER_CLASS, 7: CLASS}, HOUR)
    assert snapshot.classes == [
        ClassRow(7, CLASS.title, 1, 30, 1, 0, [0] * CHART_MINUTES),
        ClassRow(8, OTHER_CLASS.title, 0, 30, 0, 0, [0] * CHART_MINUTES),
    ]
    assert (snapshot.totals.users, snapshot.totals.connections) == ({"student": 1, "teacher": 1}, 3)


def test_school_rate_is_the_sum_of_its_classes_over_a_minute() -> None:
    clock = Clock()
    counted = MessageRates(clock)
    for _ in range(10):
        counted.add(CLASS.topic)
    clock.now = MINUTE
    for _ in range(3):
        counted.add(OTHER_CLASS.topic)
    dashboard = Dashboard(Presence(), counted)
    rates = []
    for seconds in (0, 60, 90, 119, 120, 180):
        clock.now = seconds
        snapshot = dashboard.view(SCHOOL, HOUR)
        rates.append([row.messages_per_minute for row in snapshot.classes[:2]])
        assert snapshot.totals.messages_per_minute == sum(rates[-1])
    assert rates == [[10, 0], [10, 3], [5, 3], [0, 3], [0, 3], [0, 0]]


def test_snapshot_is_sent_once_until_something_changes() -> None:
    presence = Presence()
    dashboard = Dashboard(presence, MessageRates(Clock()))
    assert dashboard.changed(SCHOOL, HOUR) is not None
    assert dashboard.changed(SCHOOL, HOUR + 1000) is None
    presence.enter(CLASS.topic, session_of(ANA))
    assert dashboard.changed(SCHOOL, HOUR + 2000) is not None
    assert dashboard.changed({7: Classroom(7, "Renamed", 30)}, HOUR + 3000) is not None


def test_dashboard_is_sent_only_when_it_has_changed() -> None:
    clock = Clock()
    rates = MessageRates(clock)
    dashboard = Dashboard(Presence(), rates)
    assert dashboard.changed(SCHOOL, 1_000) is not None
    assert dashboard.changed(SCHOOL, 2_000) is None
    rates.add("class:7")
    changed = dashboard.changed(SCHOOL, 3_000)
    assert changed is not None
    assert changed.classes[0].messages[-1] == 1
    clock.now = 63.0
    later = dashboard.changed(SCHOOL, 63_000)
    assert later is not None
    assert later.classes[0].messages[-2:] == [1, 0]
