"""One connected client as a state machine without I/O.

    bytes -> receive() -> ClientMessage          offer…() -> outbox -> take() -> bytes

A transport feeds `receive` and writes what `take` returns; it is woken, once, when there is something to take. The
outbox has three lanes. *Ordered* messages (replies, durable events, presence) all arrive, in the order of the offers.
A *snapshot* replaces an unsent older one of the same key. *Ephemeral* messages are dropped while the transport cannot
write. A session whose ordered lane outgrows its bound is ended with TOO_SLOW; its client comes back from its positions
and loses nothing.

The session does not know what messages mean, nor which other sessions there are.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from channels.errors import FLOODING, TOO_SLOW, Closing
from channels.limit import BYTES_OF_A_FRAME, FRAME_BURST, FRAME_RATE, IDLE_SECONDS, MAX_EPHEMERAL, Limits
from channels.member import Member
from channels.sessions.token_bucket import TokenBucket
from channels.wire.codec import ClientMessage, Wire


@dataclass(slots=True)
class Subscription:
    """One joined topic of one session: its name inside (`user:me` is `user:12`), and the ref of its join."""

    topic: str
    join_ref: str | None


class Transport(Protocol):
    """What carries a session: it takes what waits, and closes when the session has ended."""

    def flush(self) -> None:
        """Write what `Session.take` returns, then close if `Session.closing` is set; never raises."""


class Sender(Protocol):
    """Takes the bytes of a broadcast: a socket, or a session."""

    def send(self, data: bytes, /) -> int:
        """Return how many bytes were taken; raises `OSError` if none were."""


class SessionListener(Protocol):
    """Learns of a session's changes."""

    def wake(self, session: "Session") -> None:
        """Note that the outbox is not empty any more, or the session has ended."""

    def place(self, session: "Session") -> None:
        """Note that `wire` or `straight` has changed."""


class Session:
    """One client's connection, whatever carries it.

    Times are seconds of one monotonic clock, passed in. The transport sets `blocked` while it cannot write,
    `ephemeral_waits` where such pauses are usual, and `idle_seconds`, the silence after which the session ends;
    `appending` counts the pushes of this client that wait for the journal; `slot` is the registry's. Where requests
    carry the client's messages, `ended_joins` holds the last joins that have ended, as (topic, ref): a browser whose
    connection broke sends a request again, and joins in it must not replace those that followed. While the session is
    `woken`, something waits to be taken. While it is not, broadcasts may be sent `straight`, past the outbox, where the
    transport has a sender for that.
    """

    __slots__ = (
        "_bytes",
        "_ephemeral",
        "_limits",
        "_listener",
        "_ordered",
        "_reply_bytes",
        "_snapshots",
        "appending",
        "blocked",
        "checked",
        "closing",
        "ended_joins",
        "ephemeral_waits",
        "frames",
        "idle_seconds",
        "last_seen_at",
        "member",
        "slot",
        "straight",
        "subscriptions",
        "transport",
        "wire",
        "woken",
    )

    def __init__(self, member: Member, wire: Wire, limits: Limits, now: float, listener: SessionListener) -> None:
        self.member = member
        self.wire = wire
        self.transport: Transport | None = None
        self.straight: Sender | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.ended_joins: deque[tuple[str, str | None]] | None = None
        self.closing: Closing | None = None
        self.last_seen_at = now
        self.slot = 0
        self.appending = 0
        self.checked = 0
        self.blocked = False
        self.ephemeral_waits = False
        self.idle_seconds = IDLE_SECONDS
        self._limits = limits
        self._listener = listener
        self.woken = False
        self.frames = TokenBucket(FRAME_RATE if limits.push_rate else 0, FRAME_BURST, now)
        self._ordered: list[bytes] = []
        self._bytes = 0
        self._reply_bytes = 0
        self._snapshots: dict[str, bytes] | None = None
        self._ephemeral: list[bytes] | None = None

    def receive(self, data: bytes | str, now: float) -> ClientMessage | None:
        """Read one message; None if there is nothing to do: the session has ended, or the join that it names has.

        Raises `Refused` (BAD_FRAME) if it cannot be read.
        """
        self.last_seen_at = now
        if self.closing is None and self.frames.take(now, max(1.0, len(data) / BYTES_OF_A_FRAME)):
            self.end(FLOODING)
        if self.closing is not None:
            return None
        wire = self.wire.as_spoken(data)
        message = wire.decode(data)
        if wire is not self.wire:
            self.wire = wire
            self._listener.place(self)
        return None if self._of_an_older_join(message) else message

    def _of_an_older_join(self, message: ClientMessage) -> bool:
        joined = self.subscriptions.get(message.topic)
        if joined is None or message.join_ref is None or message.join_ref == joined.join_ref:
            return False
        if message.event == "phx_join":
            return self.ended_joins is not None and (message.topic, message.join_ref) in self.ended_joins
        return True

    def end_join(self, topic: str) -> Subscription | None:
        """Remove the join of a topic, named as the client names it, and return it; None if there is none."""
        ended = self.subscriptions.pop(topic, None)
        if ended is not None and self.ended_joins is not None:
            self.ended_joins.append((topic, ended.join_ref))
        return ended

    def go_straight(self, sender: Sender | None) -> None:
        """Set the sender of broadcasts that may pass the outbox while nothing waits there; None: there is none."""
        self.straight = sender if self.closing is None else None
        self._listener.place(self)

    def send(self, data: bytes) -> int:
        """Offer, as the sender where `straight` is not set or something waits."""
        self.offer(data)
        return len(data)

    def offer(self, data: bytes) -> None:
        """Add a message to the ordered lane."""
        if self.closing is not None:
            return
        self._ordered.append(data)
        self._bytes += len(data)
        if self.blocked and self._bytes > self._limits.max_outbox_bytes:
            self.end(TOO_SLOW)
        elif not self.woken:  # as in _want_taking, without the call: this line runs once per delivery
            self.woken = True
            self._listener.wake(self)

    def offer_snapshot(self, key: str, data: bytes) -> None:
        """Add a message of which only the newest of its key matters."""
        if self.closing is not None:
            return
        if self._snapshots is None:
            self._snapshots = {}
        self._snapshots[key] = data
        self._want_taking()

    def offer_ephemeral(self, data: bytes) -> None:
        """Add a message that may be dropped, as it is while the transport cannot write."""
        if self.closing is not None or (self.blocked and not self.ephemeral_waits):
            return
        if self._ephemeral is None:
            self._ephemeral = []
        if len(self._ephemeral) < MAX_EPHEMERAL or not self.blocked:
            self._ephemeral.append(data)
        self._want_taking()

    @property
    def transport_name(self) -> str:
        """Return what carries it, for a monitor: polls pause, sockets do not."""
        return "longpoll" if self.ephemeral_waits else "websocket"

    @property
    def has_waiting(self) -> bool:
        """Tell whether there is something to take."""
        return bool(self._ordered or self._snapshots or self._ephemeral)

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes wait in the ordered lane."""
        return self._bytes + self._reply_bytes

    def take(self) -> bytes:
        """Empty the outbox into one buffer, for one write; empty bytes when there is nothing."""
        self.woken = self.closing is not None  # then for good: nothing is written after the last message
        parts = self._ordered
        if self._snapshots or self._ephemeral:
            parts = [*parts, *(self._snapshots or {}).values(), *(self._ephemeral or ())]
            self._snapshots = self._ephemeral = None
        self._ordered = []
        self._bytes = self._reply_bytes = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def end(self, closing: Closing) -> None:
        """End the session and wake the transport to close the connection; the first reason counts."""
        if self.closing is not None:
            return
        self.closing = closing
        if closing is TOO_SLOW:
            self._ordered = []
            self._bytes = self._reply_bytes = 0
            self._snapshots = self._ephemeral = None
        self.go_straight(None)
        # Also if it was woken before and could not write: it has to close all the same.
        self.woken = True
        self._listener.wake(self)

    def _want_taking(self) -> None:
        if not self.woken:
            self.woken = True
            self._listener.wake(self)

    def touch(self, now: float) -> None:
        """Note a sign of life that is no message; it costs a frame."""
        self.last_seen_at = now
        self.spend(1.0, now)

    def spend(self, cost: float, now: float) -> None:
        """Take from the budget what a client makes us do, in frames; without enough of it the session ends."""
        if self.frames.take(now, cost):
            self.end(FLOODING)

    def reply(self, message: ClientMessage, response: object, status: str = "ok") -> None:
        """Answer a message under its refs; one without a ref gets no answer.

        Replies do not count towards the bound: while one waits, transports take no more messages from this client, and
        a long reply must get through whatever comes with it.
        """
        if message.ref is None or self.closing is not None:
            return
        data = self.wire.reply(message.join_ref, message.ref, message.topic, status, response)
        self._ordered.append(data)
        self._reply_bytes += len(data)
        self._want_taking()
