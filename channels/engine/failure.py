"""What a client is answered when a message of its own fails: a refusal, or the end where the fault is ours."""

import logging

from channels.errors import INTERNAL, Code, Refused, Unavailable
from channels.sessions.session import Session
from channels.wire.codec import ClientMessage

log = logging.getLogger(__name__)


def fail(session: Session, message: ClientMessage, error: Exception) -> None:
    """Answer a message that raised `error`; what is neither refused nor unavailable is our bug and ends the session."""
    if isinstance(error, Unavailable):
        error = Refused(Code.UNAVAILABLE, "the database does not answer; try again", retry_after=2_000)
    if isinstance(error, Refused):
        refuse(session, message, error)
        return
    where = (session.member.user.id, message.event, message.topic)
    log.error("user %d: %s on %s could not be handled", *where, exc_info=error)
    session.end(INTERNAL)


def refuse(session: Session, message: ClientMessage, refusal: Refused) -> None:
    """Answer a message with an error; the connection stays."""
    # Phoenix answers an unmatched topic without a join_ref: there is no such join.
    join_ref = None if refusal.code is Code.UNMATCHED_TOPIC else message.join_ref
    if message.ref is not None:
        session.offer(session.wire.reply(join_ref, message.ref, message.topic, "error", refusal.response))
