"""Judges the diaries of many topics and counts: sent, acknowledged, lost, doubled, out of order, untrue `complete`.

The sentences come from `tests.faults.checker`, topic by topic. The numbers are counted here independently, as a check
of the checker. A client whose join was incomplete has read the gap from the history, so in the end every client must
have everything since its first join.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.checker import breaches
from tests.faults.diary import Acknowledged, Diary, Joined, Message, Read, Received, Sent


@dataclass(slots=True)
class Verdict:
    """The result of a schedule. `lost` counts a message once for each member who lacks it."""

    sent: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    untrue: int = 0
    breaches: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.lost or self.doubled or self.out_of_order or self.untrue or self.breaches)

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.acknowledged} acknowledged, {self.lost} lost, {self.doubled} doubled, "
            f"{self.out_of_order} out of order, {self.untrue} untrue `complete`"
        )

    def add(self, other: "Verdict") -> None:
        """Add two verdicts."""
        for name in ("sent", "acknowledged", "lost", "doubled", "out_of_order", "untrue"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.breaches += other.breaches


def judge(topics: Mapping[str, Sequence[Diary]], firsts: Mapping[str, int], lasts: Mapping[str, int]) -> Verdict:
    """Judge every topic's diaries; `firsts` and `lasts` are their positions before the first push and at the end."""
    verdict = Verdict()
    for topic, diaries in topics.items():
        told = breaches(diaries, firsts[topic], lasts.get(topic))
        verdict.add(_count(diaries))
        verdict.breaches += [f"{topic}: {breach}" for breach in told]
    return verdict


def _count(diaries: Sequence[Diary]) -> Verdict:
    verdict = Verdict()
    acknowledged = acknowledged_in(diaries)
    for diary in diaries:
        verdict.add(count(diary, acknowledged))
    return verdict


def acknowledged_in(diaries: Iterable[Diary]) -> dict[str, int]:
    """Return the positions of all acknowledged messages by push id; of several, the first."""
    acknowledged: dict[str, int] = {}
    for diary in diaries:
        for entry in diary.entries:
            if isinstance(entry, Acknowledged):
                acknowledged.setdefault(entry.push_id, entry.seq)
    return acknowledged


def count(diary: Diary, acknowledged: Mapping[str, int]) -> Verdict:
    """Count the results of one client of a topic with these acknowledged messages."""
    verdict = Verdict()
    verdict.sent = len({entry.push_id for entry in diary.entries if isinstance(entry, Sent)})
    own = [entry for entry in diary.entries if isinstance(entry, Acknowledged)]
    verdict.acknowledged = len({entry.push_id for entry in own})
    verdict.doubled = sum(acknowledged[entry.push_id] != entry.seq for entry in own)
    _count_seen(verdict, diary, acknowledged)
    return verdict


def _count_seen(verdict: Verdict, diary: Diary, acknowledged: Mapping[str, int]) -> None:
    position: int | None = None
    first: int | None = None
    had: dict[int, str] = {}
    for entry in diary.entries:
        messages = _messages(entry)
        if isinstance(entry, Joined):
            first = entry.seq - len(entry.messages) if first is None else first
            verdict.untrue += _is_untrue(entry, position)
            if position is None or not entry.complete:
                position = entry.seq - len(entry.messages)
        if isinstance(entry, Joined | Received):
            for message in messages:
                verdict.doubled += message.seq <= (position or 0)
                verdict.out_of_order += message.seq > (position or 0) + 1
                position = message.seq
        had.update((message.seq, message.push_id) for message in messages)
    push_ids = set(had.values())
    verdict.doubled += len(had) - len(push_ids)
    verdict.lost += sum(seq > (first or 0) and push_id not in push_ids for push_id, seq in acknowledged.items())


def _messages(entry: object) -> list[Message]:
    if isinstance(entry, Received):
        return [entry.message]
    return entry.messages if isinstance(entry, Joined | Read) else []


def _is_untrue(joined: Joined, position: int | None) -> bool:
    """Return whether the `complete` of a reply is wrong, either way."""
    if position is None or joined.since is None:
        return not joined.complete
    seqs = [message.seq for message in joined.messages]
    if joined.complete:
        return seqs != list(range(joined.since + 1, joined.seq + 1))
    return not seqs or seqs[0] <= joined.since + 1


def total(verdicts: Iterable[Verdict]) -> Verdict:
    """Add several verdicts."""
    together = Verdict()
    for each in verdicts:
        together.add(each)
    return together
