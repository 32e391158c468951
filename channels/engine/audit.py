"""Where the engine has written down what must not be done unrecorded: the audit log, which lives outside `channels`."""

from typing import Protocol

from channels.errors import Code, Refused
from channels.member import User


class AuditTrail(Protocol):
    """The audit log. The engine is given one."""

    async def record(
        self,
        kind: str,
        user: User,
        *,
        topic: str | None = None,
        target: int | None = None,
        subject_id: int | None = None,
        key: str | None = None,
    ) -> None:
        """Store that a user is about to do something of this kind to the event at `target`; once under the same `key`.

        `subject_id`: the user whom it concerns. Raises `channels.errors.Unavailable`; it must not be done then.
        """


class NoAuditTrail:
    """An engine without an audit log refuses what must be recorded."""

    async def record(self, kind: str, user: User, **about: object) -> None:
        """Refuse it."""
        raise Refused(Code.FORBIDDEN, f"{kind} must be recorded, and this server keeps no audit log")
