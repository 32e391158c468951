"""How workers keep each other's presence and message rates in sync.

    changed: who came and went lately, numbered       beat: every 1.5 s, the number of the last change
    ask: where a number shows that something was lost       whole: the answer, everything of one worker

The broker may lose any of these. A worker's changes are numbered, so that a lost one shows at the next change or beat;
a worker that notices asks for the whole. A worker that sends nothing is forgotten, and complete again when it is back.

The reasons: docs/notes/presence.md.
"""

from collections.abc import Callable

import msgspec

from channels.cluster.message import decoded
from channels.cluster.message_rates import MessageRates
from channels.cluster.presence import Presence, PresenceChange, PresenceEntry

# The broker's channel for all of it; no client can join it.
PRESENCE_CHANNEL = "presence"

BEAT_SECONDS = 1.5

# A worker is forgotten at the fourth of our beats without a message of its own: two may be lost, and nobody is shown
# for more than 6 s on a worker that is dead. Counted in our beats, because while our own loop stands still we receive
# nothing either.
SILENT_BEATS = 3

# An answer may be lost like anything else: then the next change or beat asks again.
ASK_SECONDS = 1.0


class Changed(msgspec.Struct, array_like=True, frozen=True, tag="changed"):
    """A worker's changes, the `version`-th."""

    worker: str
    version: int
    changes: list[PresenceChange]


class Beat(msgspec.Struct, array_like=True, frozen=True, tag="beat"):
    """A sign of life: the number of the last change, and the counts of the running minute and the one before."""

    worker: str
    version: int
    counts: dict[int, dict[str, int]]
    minute: int


class Ask(msgspec.Struct, array_like=True, frozen=True, tag="ask"):
    """A request for the whole of `worker`."""

    worker: str


class Whole(msgspec.Struct, array_like=True, frozen=True, tag="whole"):
    """Everything of a worker, as of its `version`-th change."""

    worker: str
    version: int
    entries: list[PresenceEntry]
    counts: dict[int, dict[str, int]]
    minute: int


class Left(msgspec.Struct, array_like=True, frozen=True, tag="left"):
    """The announcement of a worker that it ends."""

    worker: str


Message = Changed | Beat | Ask | Whole | Left


class Peer:
    """What is known of another worker: the last change applied, our beats since its last message, the last question."""

    __slots__ = ("asked_at", "silent_beats", "version")

    def __init__(self) -> None:
        self.version = -1  # nothing yet
        self.silent_beats = 0
        self.asked_at = float("-inf")


class PresenceSync:
    """This worker's part of the synchronisation. `publish` sends bytes to all other workers; it may lose them."""

    def __init__(
        self,
        presence: Presence,
        rates: MessageRates,
        publish: Callable[[bytes], None],
        clock: Callable[[], float],
    ) -> None:
        self._presence = presence
        self._rates = rates
        self._publish = publish
        self._clock = clock
        self._version = 0
        self._peers: dict[str, Peer] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Message)

    def flush(self) -> bool:
        """Send the changes since the last call; return whether there were any."""
        changes = self._presence.take_unshared()
        if changes:
            self._version += 1
            self._send(Changed(self._presence.worker, self._version, changes))
        return bool(changes)

    def beat(self) -> None:
        """Send a sign of life, and forget workers that send none; call it every BEAT_SECONDS."""
        self._send(Beat(self._presence.worker, self._version, self._rates.own_newest(), self._rates.minute))
        for worker, peer in list(self._peers.items()):
            peer.silent_beats += 1
            if peer.silent_beats > SILENT_BEATS:
                self._forget(worker)

    def count_peers(self) -> int:
        """Return how many other workers give a sign of life."""
        return len(self._peers)

    def leave(self) -> None:
        """Announce that this worker ends."""
        self._send(Left(self._presence.worker))

    def receive(self, data: bytes) -> None:
        """Handle a message of another worker; ignores what it cannot decode, which another version sent."""
        message = decoded(self._decoder, data)
        if message is None:
            return
        if isinstance(message, Ask):
            if message.worker == self._presence.worker:
                self._answer()
        elif isinstance(message, Left):
            self._forget(message.worker)
        else:
            self._update(message)

    def _update(self, message: Changed | Beat | Whole) -> None:
        peer = self._peers.setdefault(message.worker, Peer())
        peer.silent_beats = 0
        if isinstance(message, Whole):
            self._replace(peer, message)
        elif isinstance(message, Changed) and message.version == peer.version + 1 and peer.version >= 0:
            peer.version = message.version
            self._presence.apply(message.worker, message.changes)
        elif isinstance(message, Beat):
            self._rates.receive(message.worker, message.counts, message.minute)
        if message.version > peer.version:
            self._ask(message.worker, peer)

    def _replace(self, peer: Peer, message: Whole) -> None:
        self._rates.receive(message.worker, message.counts, message.minute)
        if message.version >= peer.version:
            peer.version = message.version
            self._presence.replace(message.worker, message.entries)

    def _ask(self, worker: str, peer: Peer) -> None:
        # Once for all the changes that come before the answer does.
        now = self._clock()
        if now - peer.asked_at > ASK_SECONDS:
            peer.asked_at = now
            self._send(Ask(worker))

    def _answer(self) -> None:
        self.flush()
        own = self._presence.own()
        self._send(Whole(self._presence.worker, self._version, own, self._rates.own(), self._rates.minute))

    def _forget(self, worker: str) -> None:
        self._peers.pop(worker, None)
        self._presence.drop(worker)

    def _send(self, message: Message) -> None:
        self._publish(self._encoder.encode(message))
