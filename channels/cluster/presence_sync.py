"""What workers tell each other about themselves: who is where, and how much is said.

    changed: once a turn, what has come and gone, numbered      beat: every 1.5 s, the number of the last change
    ask: where a number shows that something was lost           whole: the answer, everything of one worker

The broker may lose any of it. A worker's changes are numbered, so that a lost one shows at the next change or beat;
whoever notices asks for the whole. A worker that falls silent is forgotten, and known whole again when it is back.
"""

import logging
from collections.abc import Callable

import msgspec

from channels.cluster.message_rates import MinuteCounts
from channels.cluster.presence import Change, Entry, Presence

log = logging.getLogger(__name__)

# The broker's topic for all of it; no client can join it.
PEERS = "peers"

# Two beats may be lost, and nobody is shown for more than 6 s on a worker that is dead.
BEAT_SECONDS = 1.5
SILENCE_SECONDS = 5.0

# An answer may be lost like anything else: then the next change or beat asks again.
ASK_SECONDS = 1.0


class Changed(msgspec.Struct, array_like=True, frozen=True, tag="changed"):
    """A worker's changes, the `version`-th."""

    worker: str
    version: int
    changes: list[Change]


class Beat(msgspec.Struct, array_like=True, frozen=True, tag="beat"):
    """That a worker lives, how many changes it has told, and its messages in this minute and the one before."""

    worker: str
    version: int
    counts: dict[int, dict[str, int]]


class Ask(msgspec.Struct, array_like=True, frozen=True, tag="ask"):
    """That something of `worker` is wanted whole."""

    worker: str


class Whole(msgspec.Struct, array_like=True, frozen=True, tag="whole"):
    """All of a worker, as of its `version`-th change."""

    worker: str
    version: int
    entries: list[Entry]
    counts: dict[int, dict[str, int]]


class Left(msgspec.Struct, array_like=True, frozen=True, tag="left"):
    """That a worker has ended in good order."""

    worker: str


Message = Changed | Beat | Ask | Whole | Left


class Peer:
    """What is known of another worker: up to which change, when it was last heard, and asked for the whole."""

    __slots__ = ("asked_at", "heard_at", "version")

    def __init__(self) -> None:
        self.version = -1  # nothing yet
        self.heard_at = self.asked_at = float("-inf")


class Peers:
    """The other workers, seen from this one. `tell` sends bytes to all of them; it may lose them."""

    def __init__(
        self, presence: Presence, minutes: MinuteCounts, tell: Callable[[bytes], None], clock: Callable[[], float]
    ) -> None:
        self._presence = presence
        self._minutes = minutes
        self._tell = tell
        self._clock = clock
        self._version = 0
        self._peers: dict[str, Peer] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Message)

    def flush(self) -> None:
        """Tell what has changed here in this turn."""
        changes = self._presence.take_unshared()
        if changes:
            self._version += 1
            self._send(Changed(self._presence.worker, self._version, changes))

    def beat(self, at: int) -> None:
        """Say that this worker lives, and forget those who have not said so; to be called every BEAT_SECONDS."""
        self._send(Beat(self._presence.worker, self._version, self._minutes.own_newest(at)))
        now = self._clock()
        for worker in [worker for worker, peer in self._peers.items() if now - peer.heard_at > SILENCE_SECONDS]:
            self._forget(worker)

    def leave(self) -> None:
        """Say that this worker ends."""
        self._send(Left(self._presence.worker))

    def receive(self, data: bytes) -> None:
        """Take what another worker has told; what cannot be read comes from another version and is passed over."""
        try:
            message = self._decoder.decode(data)
        except msgspec.DecodeError as error:
            log.debug("a worker tells what this version does not know: %s", error)
            return
        if isinstance(message, Ask):
            if message.worker == self._presence.worker:
                self._answer()
        elif isinstance(message, Left):
            self._forget(message.worker)
        else:
            self._hear(message)

    def _hear(self, message: Changed | Beat | Whole) -> None:
        peer = self._peers.setdefault(message.worker, Peer())
        peer.heard_at = self._clock()
        if isinstance(message, Whole):
            self._take_whole(peer, message)
        elif isinstance(message, Changed) and message.version == peer.version + 1 and peer.version >= 0:
            peer.version = message.version
            self._presence.apply(message.worker, message.changes)
        elif isinstance(message, Beat):
            self._minutes.hear(message.worker, message.counts)
        if message.version > peer.version:
            self._ask(message.worker, peer)

    def _take_whole(self, peer: Peer, message: Whole) -> None:
        self._minutes.hear(message.worker, message.counts)
        if message.version >= peer.version:
            peer.version = message.version
            self._presence.replace(message.worker, message.entries)

    def _ask(self, worker: str, peer: Peer) -> None:
        # Once for all the changes that come before the answer does.
        if peer.heard_at - peer.asked_at > ASK_SECONDS:
            peer.asked_at = peer.heard_at
            self._send(Ask(worker))

    def _answer(self) -> None:
        self.flush()
        whole = Whole(self._presence.worker, self._version, self._presence.own(), self._minutes.own())
        self._send(whole)

    def _forget(self, worker: str) -> None:
        self._peers.pop(worker, None)
        self._presence.drop(worker)

    def _send(self, message: Message) -> None:
        self._tell(self._encoder.encode(message))
