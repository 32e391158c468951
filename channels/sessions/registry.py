"""This worker's sessions by user, what each user's clients may still send, and the end of idle sessions."""

from collections import Counter
from collections.abc import Iterator

from channels.errors import IDLE
from channels.limit import BURST_SECONDS, JOIN_BURST, JOIN_RATE, Limits
from channels.sessions.session import Session
from channels.sessions.token_bucket import TokenBucket


class Registry:
    """The open sessions of this worker; since its start `opened` counts them by role, `closed` by close code."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_user: dict[int, set[Session]] = {}
        self._pushes: dict[int, TokenBucket] = {}
        self._joins: dict[int, TokenBucket] = {}
        self._frames: dict[int, TokenBucket] = {}  # of each user's last connection, until it is full again
        self._count = 0
        self.opened: Counter[str] = Counter()
        self.closed: Counter[int] = Counter()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Session]:
        return (session for sessions in list(self._by_user.values()) for session in list(sessions))

    def add(self, session: Session) -> None:
        """Add a session that has just connected; it has the budget that its user's last one has left."""
        session.frames = self._frames.get(session.member.user.id, session.frames)
        self._by_user.setdefault(session.member.user.id, set()).add(session)
        self._count += 1
        self.opened[session.member.user.role] += 1

    def discard(self, session: Session) -> None:
        """Remove a session whose connection is gone."""
        sessions = self._by_user.get(session.member.user.id, set())
        if session in sessions:
            sessions.discard(session)
            self._count -= 1
            if session.closing is not None:
                self.closed[session.closing.code] += 1
            self._keep_frames(session)
        if not sessions:
            self._by_user.pop(session.member.user.id, None)

    def _keep_frames(self, session: Session) -> None:
        # The emptiest: a connection that has sent nothing must not refill what another has spent.
        kept = self._frames.get(session.member.user.id, session.frames)
        self._frames[session.member.user.id] = min(kept, session.frames, key=lambda bucket: bucket.tokens)

    def count_of(self, user_id: int) -> int:
        """Return how many sessions a user has open."""
        return len(self._by_user.get(user_id, ()))

    def of(self, user_id: int) -> set[Session]:
        """Return a copy of the set of a user's sessions."""
        return set(self._by_user.get(user_id, ()))

    def seconds_until_push(self, session: Session, now: float) -> float:
        """Take one push from the user's rate: 0 if it may be made, else the seconds until it may."""
        rate = self._limits.push_rate
        return _take(self._pushes, session, rate, max(1.0, rate * BURST_SECONDS), now)

    def seconds_until_join(self, session: Session, now: float) -> float:
        """Take one join from the user's rate: 0 if it may be made, else the seconds until it may."""
        return _take(self._joins, session, JOIN_RATE if self._limits.push_rate else 0, JOIN_BURST, now)

    def sweep(self, now: float) -> None:
        """End idle sessions, and drop the buckets that are full."""
        for session in self:
            if now - session.last_seen_at > session.idle_seconds:
                session.end(IDLE)
        for buckets in (self._pushes, self._joins, self._frames):
            for user_id in [user_id for user_id, bucket in buckets.items() if bucket.full(now)]:
                del buckets[user_id]


def _take(buckets: dict[int, TokenBucket], session: Session, rate: float, burst: float, now: float) -> float:
    user_id = session.member.user.id
    bucket = buckets.get(user_id)
    if bucket is None:
        bucket = buckets[user_id] = TokenBucket(rate, burst, now)
    return bucket.take(now)
