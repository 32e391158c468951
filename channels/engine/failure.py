"""What a client is answered when a message of its own fails: a refusal, or the end where the fault is ours."""

import logging
from collections import Counter

from channels.errors import INTERNAL, Code, Refused, Unavailable
from channels.sessions.session import Session
from channels.wire.codec import ClientMessage
from channels.wire.envelope import UNREADABLE

log = logging.getLogger(__name__)


class Failures:
    """Answers the messages that fail; `refused` counts the refusals by code."""

    def __init__(self) -> None:
        self.refused: Counter[Code] = Counter()

    def fail(self, session: Session, message: ClientMessage, error: Exception) -> None:
        """Answer a message that raised `error`; anything but a refusal is our bug, and ends the session."""
        if isinstance(error, Unavailable):
            error = Refused(Code.UNAVAILABLE, "the database does not answer; try again", retry_after=2_000)
        if isinstance(error, Refused):
            self.refuse(session, message, error)
            return
        where = (session.member.user.id, message.event, message.topic)
        log.error("user %d: %s on %s could not be handled", *where, exc_info=error)
        session.end(INTERNAL)

    def refuse(self, session: Session, message: ClientMessage, refusal: Refused) -> None:
        """Answer a message with an error; the connection stays."""
        self.refused[refusal.code] += 1
        # Phoenix answers an unmatched topic without a join_ref: there is no such join.
        join_ref = None if refusal.code is Code.UNMATCHED_TOPIC else message.join_ref
        if message.ref is not None:
            session.offer(session.wire.reply(join_ref, message.ref, message.topic, "error", refusal.response))

    def refuse_unread(self, session: Session, data: bytes | str, refusal: Refused) -> None:
        """Answer a message that cannot be read, under the refs that it seems to have."""
        self.refused[refusal.code] += 1
        envelope = session.wire.envelope(data)
        wire = session.wire if envelope is UNREADABLE else session.wire.as_spoken(data)
        session.offer(wire.reply(*envelope, "error", refusal.response))
