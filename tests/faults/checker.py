"""Judges a round from the clients' diaries alone.

The guarantees of the design must hold: no acknowledged message is lost; one order, no gaps, no duplicates; a retried
push counts once; a join that says `complete` is complete. Each breach is one sentence; a sound round has none.
"""

from collections.abc import Iterable, Iterator, Sequence

from tests.faults.diary import Acknowledged, Diary, Joined, Message, Read, Received, Sent


def breaches(diaries: Sequence[Diary], first: int = 0, last: int | None = None) -> list[str]:
    """Return the breaches.

    `first` is the topic's position before these clients sent; older messages are not judged. `last` is the newest
    position, if it was read after the traffic ended.
    """
    histories = [_History(diary) for diary in diaries]
    found = [breach for history in histories for breach in history.breaches]
    found += _differences(histories)
    found += _lost_or_doubled(diaries, histories, first)
    found += _stragglers(histories, last)
    found += _epochs(diaries)
    return found


class _History:
    """The messages of one client, assembled from its diary as a client does: each position once, in order."""

    def __init__(self, diary: Diary) -> None:
        self.name = diary.name
        self.messages: dict[int, Message] = {}
        self.position: int | None = None
        self.breaches: list[str] = []
        for entry in diary.entries:
            match entry:
                case Joined():
                    self._join(entry)
                case Received(message):
                    self._take(message, "live")
                case Read():
                    self._read(entry)

    def _say(self, breach: str) -> None:
        self.breaches.append(f"{self.name}: {breach}")

    def _join(self, joined: Joined) -> None:
        if joined.since is not None and joined.since != self.position:
            self._say(f"joined from {joined.since} though it stood at {self.position}")
        self._check_reply(joined)
        if joined.since is None or not joined.complete:
            self.position = joined.seq - len(joined.messages)
        for message in joined.messages:
            self._take(message, f"in the reply to its join from {joined.since}")
        if self.position != joined.seq:
            self._say(f"was told that the topic stands at {joined.seq}, and got it up to {self.position}")
        self.position = joined.seq

    def _check_reply(self, joined: Joined) -> None:
        first = joined.messages[0].seq if joined.messages else joined.seq + 1
        if joined.since is None:
            if not joined.complete:
                self._say("came for the first time and was told that something is missing")
        elif joined.complete and first != joined.since + 1:
            self._say(f"joined from {joined.since}, was told `complete`, and got what starts at {first}")
        elif not joined.complete and first <= joined.since + 1:
            self._say(f"joined from {joined.since}, was told of a hole, and there is none before {first}")

    def _take(self, message: Message, how: str) -> None:
        expected = (self.position or 0) + 1
        if message.seq != expected:
            self._say(f"got {message.seq} ({message.push_id}) {how} where {expected} was next")
        self.position = message.seq
        self._keep(message)

    def _read(self, read: Read) -> None:
        for expected, message in enumerate(read.messages, read.after + 1):
            if message.seq != expected:
                self._say(f"read history after {read.after} and got {message.seq} where {expected} was next")
            self._keep(message)

    def _keep(self, message: Message) -> None:
        known = self.messages.setdefault(message.seq, message)
        if known != message:
            self._say(f"got two messages at {message.seq}: {known} and {message}")


def _differences(histories: Iterable[_History]) -> Iterator[str]:
    """Yield positions at which two clients saw different messages."""
    agreed: dict[int, tuple[str, Message]] = {}
    for history in histories:
        for seq, message in history.messages.items():
            name, known = agreed.setdefault(seq, (history.name, message))
            if known != message:
                yield f"{name} and {history.name} differ at {seq}: {known} and {message}"


def _lost_or_doubled(diaries: Sequence[Diary], histories: Iterable[_History], first: int) -> Iterator[str]:
    """Yield messages that are not at their acknowledged position, are stored twice, or were never sent."""
    places: dict[tuple[str, str], set[int]] = {}
    texts: dict[tuple[str, str], str] = {}
    for message in (message for history in histories for message in history.messages.values()):
        if message.seq > first:
            places.setdefault((message.author, message.push_id), set()).add(message.seq)
            texts[message.author, message.push_id] = message.text
    for (author, push_id), seqs in places.items():
        if len(seqs) > 1:
            yield f"{push_id} of {author} is there more than once: at {sorted(seqs)}"
    for diary in diaries:
        sent = {entry.push_id: entry.text for entry in diary.entries if isinstance(entry, Sent)}
        acknowledged = [entry for entry in diary.entries if isinstance(entry, Acknowledged)]
        for entry in acknowledged:
            if entry.seq not in places.get((diary.name, entry.push_id), set()):
                yield f"{entry.push_id} of {diary.name} was acknowledged at {entry.seq}, and nobody has it there"
        for author, push_id in places:
            if author == diary.name and sent.get(push_id) != texts[author, push_id]:
                yield f"{push_id} of {author} says what was not sent: {texts[author, push_id]!r}"


def _stragglers(histories: Iterable[_History], last: int | None) -> Iterator[str]:
    """Yield clients that are behind the topic after the traffic has ended."""
    for history in histories:
        if last is not None and history.position != last:
            yield f"{history.name} stands at {history.position}, and the topic at {last}"


def _epochs(diaries: Sequence[Diary]) -> Iterator[str]:
    epochs = {entry.epoch for diary in diaries for entry in diary.entries if isinstance(entry, Joined)}
    if len(epochs) > 1:
        yield f"one journal had several epochs: {sorted(epochs)}"
