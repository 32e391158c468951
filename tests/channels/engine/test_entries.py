"""What a push stores, from the effects of its action."""

from channels.engine.entries import Others, entries_of
from channels.lesson.feature import Append, Publish
from channels.lesson.lock import LOCKED, ChatLocked
from channels.topics.kind import class_topic
from tests.channels.support import PAULA, Worker

HERE, THERE = class_topic(7), class_topic(8)


async def test_effects_are_stored_in_order_and_audited_once(worker: Worker) -> None:
    paula = worker.connect(PAULA)
    await paula.ok(HERE, "phx_join")
    payload = ChatLocked(notes=False, author=PAULA.user)
    push = worker.engine._pushes.push_by(PAULA, worker.engine._hub.topics[HERE], payload)
    others: Others = [Publish(LOCKED, payload), Append(LOCKED, payload, THERE, key="there")]
    entries = entries_of(push, Append(LOCKED, payload), others, HERE, "here")
    assert [(each.topic, each.push_id, each.author_id, each.governs, each.audited) for each in entries] == [
        (HERE, "here", PAULA.user.id, True, True),
        (THERE, "there", PAULA.user.id, True, False),
    ]
