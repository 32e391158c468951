"""The checker detects every kind of breach, so a passed round can be trusted."""

from tests.faults.checker import breaches
from tests.faults.diary import Acknowledged, Diary, Entry, Joined, Message, Read, Received, Sent


def message(seq: int, push_id: str | None = None, text: str = "olá") -> Message:
    return Message(seq, push_id or f"ana-{seq}", "ana", text)


def joined(since: int | None, seq: int, *messages: Message, complete: bool = True, epoch: str = "e") -> Joined:
    return Joined(since, epoch, seq, complete, list(messages))


def ana(*entries: Entry, sent: int = 9) -> Diary:
    return Diary("ana", [joined(None, 0), *(Sent(f"ana-{number}", "olá") for number in range(1, sent + 1)), *entries])


def bruno(*entries: Entry) -> Diary:
    return Diary("bruno", [joined(None, 0), *entries])


def test_sound_round_has_no_breach() -> None:
    diaries = [
        ana(Received(message(1)), Acknowledged("ana-1", 1), Received(message(2)), Acknowledged("ana-2", 2)),
        bruno(Received(message(1)), joined(1, 2, message(2))),
    ]
    assert breaches(diaries, last=2) == []


def test_acknowledged_message_that_no_client_has_is_lost() -> None:
    found = breaches([ana(Acknowledged("ana-1", 1)), bruno()], last=0)
    assert found == ["ana-1 of ana was acknowledged at 1, and nobody has it there"]


def test_message_at_another_position_than_acknowledged_is_lost() -> None:
    found = breaches([ana(Received(message(1)), Acknowledged("ana-1", 7))])
    assert "acknowledged at 7" in found[0]


def test_gap_is_detected() -> None:
    assert "got 2 (ana-2) live where 1 was next" in breaches([ana(Received(message(2)))])[0]


def test_duplicate_is_detected() -> None:
    assert "got 1 (ana-1) live where 2 was next" in breaches([ana(Received(message(1)), Received(message(1)))])[0]


def test_wrong_order_is_detected() -> None:
    found = breaches([ana(Received(message(1)), Received(message(3)), Received(message(2)))])
    assert "got 3" in found[0]
    assert "got 2" in found[1]


def test_different_orders_of_two_clients_are_detected() -> None:
    diaries = [ana(Received(message(1, "ana-1"))), bruno(Received(message(1, "ana-2")))]
    assert "ana and bruno differ at 1" in breaches(diaries)[0]


def test_retry_stored_twice_is_detected() -> None:
    found = breaches([ana(Received(message(1, "ana-1")), Received(message(2, "ana-1")))])
    assert found == ["ana-1 of ana is there more than once: at [1, 2]"]


def test_altered_text_is_detected() -> None:
    assert "says what was not sent" in breaches([ana(Received(message(1, text="adeus")))])[0]


def test_message_never_sent_is_detected() -> None:
    assert "says what was not sent" in breaches([ana(Received(message(1)), sent=0)])[0]


def test_client_behind_the_topic_is_detected() -> None:
    found = breaches([ana(Received(message(1))), bruno()], last=1)
    assert found == ["bruno stands at 0, and the topic at 1"]


def test_complete_join_with_a_gap_is_detected() -> None:
    found = breaches([bruno(joined(0, 3, message(3)))])
    assert "was told `complete`, and got what starts at 3" in found[0]


def test_complete_join_without_the_new_messages_is_detected() -> None:
    assert any("the topic stands at 3, and got it up to 0" in found for found in breaches([bruno(joined(0, 3))]))


def test_incomplete_join_without_a_gap_is_detected() -> None:
    found = breaches([ana(), bruno(joined(0, 1, message(1), complete=False))])
    assert "was told of a hole, and there is none" in found[0]


def test_gap_of_an_incomplete_join_may_be_filled_from_history() -> None:
    diary = bruno(joined(0, 3, message(3), complete=False), Read(0, [message(1), message(2)]))
    assert breaches([ana(Received(message(1)), Received(message(2)), Received(message(3))), diary], last=3) == []


def test_changed_epoch_is_detected() -> None:
    found = breaches([bruno(joined(0, 0, epoch="another"))])
    assert "several epochs" in found[0]


def test_gap_in_the_history_is_detected() -> None:
    found = breaches([bruno(Read(0, [message(1), message(3)]))], first=9)
    assert found == ["bruno: read history after 0 and got 3 where 2 was next"]


def test_earlier_messages_of_other_clients_are_not_judged() -> None:
    assert breaches([ana(sent=0), bruno(joined(0, 1, message(1)))], first=1, last=None) == []
