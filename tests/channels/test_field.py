"""Fields whose values are bound by a pattern."""

from typing import Any

import msgspec
import pytest

from channels.field import PushId
from channels.lesson.reading import HistoryRead
from channels.member import RoleName


@pytest.mark.parametrize("kind", [PushId, RoleName])
def test_a_pattern_concerns_the_whole_value(kind: Any) -> None:
    assert msgspec.convert("p", kind) == "p"
    for value in ("p\n", "\np", "p\nq", "", "p q"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(value, kind)


def test_a_kind_of_event_ends_without_a_newline() -> None:
    payload = {"event": "message:sent"}
    assert msgspec.convert(payload, HistoryRead).event == "message:sent"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"event": "message:sent\n"}, HistoryRead)
