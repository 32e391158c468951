"""The verdict on a cluster detects every kind of breach, and the timeline measures correctly."""

import pytest

from tests.faults.cluster.plan import KINDS, make_plan
from tests.faults.cluster.timeline import Fault, Timeline
from tests.faults.cluster.verdict import Verdict, judge
from tests.faults.diary import Acknowledged, Diary, Entry, Joined, Message, Read, Received, Sent

FIRST = Joined(None, "e", 0, True, [])


def message(seq: int, push_id: str | None = None) -> Message:
    return Message(seq, push_id or f"ana-{seq}", "ana", "olá")


def got(*seqs: int) -> list[Entry]:
    return [Received(message(seq)) for seq in seqs]


def joined(since: int, seq: int, *seqs: int, complete: bool = True) -> Joined:
    return Joined(since, "e", seq, complete, [message(each) for each in seqs])


def ana(*entries: Entry, acknowledged: int = 3) -> Diary:
    """Return the diary of an author who sent three messages, `acknowledged` of which were acknowledged."""
    sent = [Sent(f"ana-{number}", "olá") for number in (1, 2, 3)]
    answered = [Acknowledged(f"ana-{number}", number) for number in range(1, acknowledged + 1)]
    return Diary("ana", [FIRST, *sent, *answered, *entries])


def verdict_of(*bruno: Entry, of_ana: Diary | None = None, last: int = 3) -> Verdict:
    """Judge what bruno saw; by default ana saw everything."""
    diaries = [of_ana or ana(*got(1, 2, 3)), Diary("bruno", [FIRST, *bruno])]
    return judge({"class:1": diaries}, {"class:1": 0}, {"class:1": last})


@pytest.mark.parametrize(
    "bruno",
    [
        got(1, 2, 3),
        [*got(1), joined(1, 3, 2, 3)],
        [joined(0, 3, 3, complete=False), Read(0, [message(1), message(2)])],
    ],
    ids=["live", "on return", "after a hole that was told"],
)
def test_everything_once_and_in_order_is_sound(bruno: list[Entry]) -> None:
    verdict = verdict_of(*bruno)
    assert verdict.sound
    assert (verdict.sent, verdict.acknowledged) == (3, 3)


def test_message_missing_at_one_member_is_lost() -> None:
    verdict = verdict_of(*got(1, 2))
    assert verdict.lost == 1
    assert any("bruno stands at 2, and the topic at 3" in breach for breach in verdict.breaches)


def test_message_missing_everywhere_is_lost_for_each_member() -> None:
    verdict = verdict_of(*got(1, 2), of_ana=ana(*got(1, 2)), last=2)
    assert verdict.lost == 2
    assert not verdict.sound


def test_gap_counts_as_lost_and_out_of_order() -> None:
    verdict = verdict_of(*got(1, 3))
    assert (verdict.lost, verdict.out_of_order) == (1, 1)


def test_gap_not_filled_from_history_is_lost() -> None:
    verdict = verdict_of(joined(0, 3, 3, complete=False), Read(0, [message(1)]))
    assert verdict.lost == 1


def test_unacknowledged_message_may_be_missing() -> None:
    assert verdict_of(*got(1, 2), of_ana=ana(*got(1, 2), acknowledged=2), last=2).sound


def test_message_received_twice_is_doubled() -> None:
    assert verdict_of(*got(1, 2, 2, 3)).doubled == 1


def test_message_at_two_positions_is_doubled() -> None:
    again = Received(message(4, "ana-3"))
    verdict = verdict_of(*got(1, 2, 3), again, of_ana=ana(*got(1, 2, 3), again), last=4)
    assert verdict.doubled == 2


def test_retry_acknowledged_at_another_position_is_doubled() -> None:
    verdict = verdict_of(*got(1, 2, 3), of_ana=ana(*got(1, 2, 3), Acknowledged("ana-3", 4)))
    assert verdict.doubled == 1
    assert not verdict.sound


def test_wrong_order_is_detected() -> None:
    verdict = verdict_of(*got(1, 3, 2))
    assert verdict.out_of_order == 1
    assert not verdict.sound


def test_different_orders_of_two_members_are_detected() -> None:
    verdict = verdict_of(Received(message(1, "ana-2")), Received(message(2, "ana-1")), *got(3))
    assert any("differ at 1" in breach for breach in verdict.breaches)


@pytest.mark.parametrize(
    "reply",
    [
        joined(0, 3, 2, 3),
        joined(0, 3, 1, 2),
        joined(0, 3),
        joined(0, 3, 1, 2, 3, complete=False),
        Joined(4, "e", 3, False, [message(1), message(2), message(3)]),
    ],
    ids=["a hole before", "an end left out", "nothing", "a hole where there is none", "a hole after all that there is"],
)
def test_untrue_complete_is_detected(reply: Joined) -> None:
    verdict = verdict_of(reply)
    assert verdict.untrue == 1
    assert not verdict.sound


def test_topics_are_judged_separately() -> None:
    sound = [ana(*got(1, 2, 3)), Diary("bruno", [FIRST, *got(1, 2, 3)])]
    topics = {"class:1": sound, "class:2": [*sound[:1], Diary("bruno", [FIRST, *got(1, 2)])]}
    verdict = judge(topics, dict.fromkeys(topics, 0), dict.fromkeys(topics, 3))
    assert verdict.lost == 1
    assert all(breach.startswith("class:2: ") for breach in verdict.breaches)


def test_fault_heals_when_its_last_late_message_is_whole() -> None:
    timeline = Timeline()
    for push_id, sent, acknowledged, had in (("a", 0, 0.1, 0.2), ("b", 10, 10.1, 14), ("c", 12, 13.5, 13.6)):
        timeline.sent(push_id, sent, anew=False)
        timeline.acknowledged(push_id, acknowledged)
        timeline.had(push_id, had, here_since=None)
    faults = [Fault("first", 9.5, 9.5), Fault("second", 11.5, 12), Fault("third", 20, 20)]
    heals = [(heal.kind, heal.seconds) for heal in timeline.heals(faults)]
    assert heals == [("first", 4.5), ("second", pytest.approx(2.1)), ("third", 0.0)]


def test_silence_is_the_wait_of_a_connected_client() -> None:
    timeline = Timeline()
    timeline.sent("a", 1.0, anew=False)
    timeline.acknowledged("a", 1.5)
    timeline.had("a", 2.0, here_since=0.0)
    timeline.had("a", 9.0, here_since=8.0)  # came later
    timeline.had("a", 9.0, here_since=None)  # on return
    assert timeline.silence(0, 5) == 0.5
    assert timeline.silence(5, 10) == 0.0


def test_voluntary_absence_of_the_author_restarts_the_timing() -> None:
    timeline = Timeline()
    timeline.sent("a", 1.0, anew=False)
    timeline.sent("a", 5.0, anew=False)
    assert timeline.messages["a"].sent_at == 1.0
    timeline.sent("a", 9.0, anew=True)
    assert timeline.messages["a"].sent_at == 9.0


def test_seed_determines_the_plan() -> None:
    plans = [make_plan(seed, 60, tuple(KINDS)) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


@pytest.mark.parametrize("seed", range(20))
def test_plan_leaves_time_between_faults_and_at_the_end(seed: int) -> None:
    plan = make_plan(seed, 60, tuple(KINDS))
    assert len(plan) >= 6
    ends = [step.at + step.seconds for step in plan]
    assert all(after.at - end >= 2.5 for end, after in zip(ends, plan[1:], strict=False))
    assert ends[-1] <= 57.5
