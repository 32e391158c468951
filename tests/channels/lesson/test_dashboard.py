"""The principal's dashboard: whole rows, then what has changed of them."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from channels.cluster.message_rates import CHART_MINUTES, MINUTE, MessageRates
from channels.cluster.presence import ONLINE, Presence, PresenceChange, PresenceEntry
from channels.lesson.dashboard import ClassChange, ClassRow, Dashboard, Totals
from channels.limit import Limits
from channels.member import Classroom, Member, User
from channels.sessions.session import Session
from channels.wire.codec import JSON
from tests.channels.support import ANA, CLASS, OTHER_CLASS, PAULA, SCHOOL, Notes
from tests.dashboard import SeenSchool

HOUR = 3_600_000  # ms


class Clock:
    """A clock that the test turns."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds since 1970."""
        return self.now


def session_of(who: Member) -> Session:
    return Session(who, JSON, Limits(), 0.0, Notes())


def sent(struct: msgspec.Struct) -> Any:
    """Return a payload as a client gets it."""
    return msgspec.json.decode(msgspec.json.encode(struct))


def test_classes_are_sorted_by_title_with_their_presence() -> None:
    presence = Presence()
    for who in (ANA, ANA, PAULA):
        session = session_of(who)
        presence.enter(ONLINE, session)
        presence.enter(CLASS.topic, session)
    dashboard = Dashboard(presence, MessageRates(Clock()))
    dashboard.changed({8: OTHER_CLASS, 7: CLASS}, HOUR)
    snapshot = dashboard.view(HOUR)
    assert snapshot.classes == [
        ClassRow(7, CLASS.title, 1, 30, 1, []),
        ClassRow(8, OTHER_CLASS.title, 0, 30, 0, []),
    ]
    assert snapshot.totals == Totals({"student": 1, "teacher": 1}, 3, 0)


def test_school_rate_is_the_sum_of_its_classes_over_a_minute() -> None:
    clock = Clock()
    counted = MessageRates(clock)
    dashboard = Dashboard(Presence(), counted)
    for _ in range(10):
        counted.add(CLASS.topic)
    clock.now = MINUTE
    for _ in range(3):
        counted.add(OTHER_CLASS.topic)
    rates = []
    for seconds in (60, 90, 119, 120, 180):
        clock.now = seconds
        dashboard.changed(SCHOOL, HOUR)
        snapshot = dashboard.view(HOUR)
        assert (snapshot.minute, snapshot.elapsed) == (seconds // 60, seconds % 60 * 1_000)
        rates.append(snapshot.totals.messages_per_minute)
    assert rates == [13, 8, 3, 3, 0]


def test_nothing_is_sent_while_nothing_changes() -> None:
    presence = Presence()
    dashboard = Dashboard(presence, MessageRates(Clock()))
    assert dashboard.changed(SCHOOL, HOUR) is not None
    assert dashboard.changed(SCHOOL, HOUR + 1000) is None
    presence.enter(CLASS.topic, session_of(ANA))
    assert dashboard.changed(SCHOOL, HOUR + 2000) is not None
    assert dashboard.changed(dict(SCHOOL), HOUR + 3000) is None


def test_changes_carry_only_the_fields_that_changed() -> None:
    clock, presence = Clock(), Presence()
    rates = MessageRates(clock)
    dashboard = Dashboard(presence, rates)
    dashboard.changed(SCHOOL, HOUR)
    rates.add(CLASS.topic)
    presence.enter(OTHER_CLASS.topic, session_of(PAULA))
    changes = dashboard.changed(SCHOOL, HOUR)
    assert changes is not None
    assert sorted(changes.classes, key=lambda each: each.id) == [
        ClassChange(7, messages=[1]),
        ClassChange(8, teachers_online=1),
    ]
    clock.now = MINUTE + 1
    changes = dashboard.changed(SCHOOL, HOUR)
    assert changes is not None
    assert (changes.classes, changes.minute) == ([], 1)


def test_renamed_new_and_removed_classes_are_told() -> None:
    dashboard = Dashboard(Presence(), MessageRates(Clock()))
    dashboard.changed({7: CLASS, 8: OTHER_CLASS}, HOUR)
    changes = dashboard.changed({7: Classroom(7, "Renamed", 30), 10: Classroom(10, "New", 5)}, HOUR)
    assert changes is not None
    assert (changes.gone, sorted(changes.classes, key=lambda each: each.id)) == (
        [8],
        [ClassChange(7, title="Renamed"), ClassChange(10, "New", 0, 5, 0)],
    )


def test_tick_looks_only_at_classes_in_which_something_happened() -> None:
    presence, rates = Presence(), MessageRates(Clock())
    school = {number: Classroom(number, f"Turma {number}", 30) for number in range(1, 4_001)}
    dashboard = Dashboard(presence, rates)
    dashboard.changed(school, HOUR)
    dashboard.changed(school, HOUR)
    assert dashboard.compared == 0
    rates.add("class:7")
    presence.enter("class:12", session_of(ANA))
    dashboard.changed(school, HOUR)
    assert dashboard.compared == 2


ROOMS = st.integers(1, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("message"), ROOMS),
        st.tuples(st.just("come"), ROOMS, st.integers(1, 3), st.sampled_from(["student", "teacher"])),
        st.tuples(st.just("go"), st.integers(0, 30)),
        st.tuples(st.just("elsewhere"), ROOMS, st.integers(0, CHART_MINUTES + 2), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 20.0, 61.0, 900.0])),
        st.tuples(st.just("become"), st.sets(ROOMS), st.sampled_from(["", " (nova)"])),
        st.tuples(st.just("join")),
        st.tuples(st.just("tick")),
    ),
    max_size=40,
)


class Day:
    """A day at a school, and the clients that look at its dashboard; the name of a method is that of a step."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.now = 1_000_000 * MINUTE
        self.presence, self.rates = Presence(), MessageRates(self.clock)
        self.dashboard = Dashboard(self.presence, self.rates)
        self.clients: list[SeenSchool] = []
        self.classes: dict[int, Classroom] = {}
        self._here: list[tuple[str, Session]] = []
        self.become({1, 2, 3}, "")
        self.join()

    def message(self, number: int) -> None:
        self.rates.add(f"class:{number}")

    def come(self, number: int, user_id: int, role: str) -> None:
        member = Member(User(user_id, "N", role), "n", 1, {})
        self._here.append((f"class:{number}", session_of(member)))
        self.presence.enter(*self._here[-1])

    def go(self, index: int) -> None:
        if self._here:
            self.presence.leave(*self._here.pop(index % len(self._here)))

    def elsewhere(self, number: int, ago: int, count: int) -> None:
        topic, minute = f"class:{number}", self.rates.minute
        self.rates.receive("w2", {minute - ago: {topic: count}}, minute)
        entry = PresenceEntry(topic, f"w2{number}", User(9, "B", "student"))
        self.presence.apply("w2", [PresenceChange(entry, here=bool(count % 2))])

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def become(self, numbers: set[int], more: str) -> None:
        self.classes = {number: Classroom(number, f"Turma {number}{more}", 30) for number in numbers}

    def tick(self) -> None:
        changes = self.dashboard.changed(self.classes, HOUR)
        if changes is not None:
            for client in self.clients:
                client.apply(sent(changes))

    def join(self) -> None:
        self.tick()
        self.clients.append(SeenSchool(sent(self.dashboard.view(HOUR))))


@given(STEPS)
def test_changes_lead_to_the_same_as_a_fresh_snapshot(steps: list[tuple[Any, ...]]) -> None:
    day = Day()
    for step, *given_ in steps:
        getattr(day, step)(*given_)
    day.tick()
    fresh = Dashboard(day.presence, day.rates)
    fresh.changed(day.classes, HOUR)
    expected = SeenSchool(sent(fresh.view(HOUR)))
    for client in day.clients:
        assert (client.classes, client.totals, client.minute) == (expected.classes, expected.totals, expected.minute)
