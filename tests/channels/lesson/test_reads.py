"""What a token that only reads may push: nothing that stores, sends or marks anything."""

from typing import Any

import pytest

from channels.event import Delivery
from channels.lesson.feature import Action, Appended, Chosen
from channels.roles import ROLES

ACTIONS: dict[str, Action[Any, Any]] = {
    action.event: action for role in ROLES for rule in role.topics.values() for action in rule.actions.values()
}


@pytest.mark.parametrize("event", sorted(ACTIONS))
def test_action_that_reads_sends_and_stores_nothing(event: str) -> None:
    action = ACTIONS[event]
    if action.reads:
        # A snapshot goes to those alone who asked for it.
        assert all(event.delivery is Delivery.SNAPSHOT for event in action.emits)
        assert action.reply not in (Appended, Chosen)


def test_history_search_and_counts_are_reads() -> None:
    reads = {event for event, action in ACTIONS.items() if action.reads}
    assert {"history:read", "unread:count", "search:find", "receipts:read", "hours:read"} <= reads
    assert not reads & {"read:mark", "message:send", "message:original", "typing:start", "poll:vote"}
