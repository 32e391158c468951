"""Rights that change while connections are open: sign-ins are read again, and what is gone is taken away.

    revalidate(users) -> Authority.renew, once for each sign-in -> sessions end, or lose topics and learn what they have

A right that is withdrawn in the database reaches open sessions so, within about a second.
"""

import asyncio
from collections.abc import Collection

from channels.engine.membership import Membership
from channels.engine.user_events import RIGHTS_CHANGED, SESSION_ENDED, RightsChanged, SessionEnded
from channels.errors import RESTARTING, SIGNED_OUT, Unavailable
from channels.lesson.rules import RuleBook
from channels.member import Authority, Member
from channels.sessions.registry import Registry
from channels.sessions.session import Session

# Sign-ins that are read again at once after an import: the authority reads many in one query.
RENEW_AT_ONCE = 500


class Rights:
    """What the sessions of this worker may join, kept up to date."""

    def __init__(self, authority: Authority, registry: Registry, membership: Membership, rules: RuleBook) -> None:
        self._authority = authority
        self._registry = registry
        self._membership = membership
        self._rules = rules
        self.revision = 0  # grows with every `revalidate`

    async def revalidate(self, user_ids: Collection[int] | None) -> None:
        """Read again what the sign-ins of these users (None: all) give, and take from open sessions what is gone.

        Raises `Unavailable`; what was not read is then as before.
        """
        self.revision += 1
        sessions = list(self._registry) if user_ids is None else [s for id_ in user_ids for s in self._registry.of(id_)]
        by_credential: dict[int, list[Session]] = {}
        for session in sessions:
            by_credential.setdefault(session.member.credential_id, []).append(session)
        groups = list(by_credential.values())
        for start in range(0, len(groups), RENEW_AT_ONCE):
            await asyncio.gather(*(self._renew_all(group) for group in groups[start : start + RENEW_AT_ONCE]))

    async def recheck(self, session: Session) -> None:
        """Read again what a session's sign-in gives; the session ends where that cannot be read."""
        try:
            await self._renew_all([session])
        except Unavailable:
            session.end(RESTARTING)  # to come back when it can be checked

    async def _renew_all(self, sessions: list[Session]) -> None:
        member = await self._authority.renew(sessions[0].member)
        for session in sessions:
            if session.closing is None:
                self._renew(session, member)

    def _renew(self, session: Session, member: Member | None) -> None:
        if member is None or member.user.role != session.member.user.role:
            self._membership.notify(session, SESSION_ENDED, SessionEnded("signed_out", SIGNED_OUT.reason))
            session.end(SIGNED_OUT)
            return
        before, session.member = session.member, member
        self._registry.reconsider(session)
        if before.classes == member.classes:
            return
        for wire_name in [name for name in session.subscriptions if not self._rules.allows(member, name)]:
            self._membership.take_away(session, wire_name)
        self._membership.notify(session, RIGHTS_CHANGED, RightsChanged(self._rules.listing(member)))
