"""Times as seen by clients: how long a fault had an effect, and how long a message took to arrive.

A message is *whole* when it is acknowledged and every member of its class has it, except those offline on purpose. It
is *late* when that takes more than LATE_SECONDS from its first push. A late message counts from LATE_SECONDS after its
push, for the fault that began last before then. A fault's time to heal lasts from its beginning until the last of its
late messages is whole: from then on everybody has all acknowledged messages, and new ones arrive within LATE_SECONDS.
0 is a fault without late messages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

LATE_SECONDS = 1.0


@dataclass(slots=True)
class Times:
    """The times of one message, in seconds of one clock; `silence` is the longest wait of a connected client."""

    sent_at: float
    acknowledged_at: float | None = None
    had_at: float = 0.0
    silence: float = 0.0

    @property
    def whole_at(self) -> float:
        """When every expected client had it and its author the reply; infinity without a reply."""
        return inf if self.acknowledged_at is None else max(self.acknowledged_at, self.had_at)

    @property
    def is_late(self) -> bool:
        """Whether it took too long; a message without a reply is judged by the verdict instead."""
        return LATE_SECONDS < self.whole_at - self.sent_at < inf


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, with its beginning and its end (restarted or thawed)."""

    kind: str
    began: float
    over: float


@dataclass(frozen=True, slots=True)
class Heal:
    """How long a fault lasted, how long it took to heal, and when its last late message was sent and acknowledged.

    All in seconds from the fault's beginning.
    """

    kind: str
    lasted: float
    seconds: float = 0.0
    sent: float = 0.0
    acknowledged: float = 0.0

    @property
    def after(self) -> float:
        """The seconds to heal, counted from the fault's end."""
        return max(0.0, self.seconds - self.lasted)

    def __str__(self) -> str:
        times = f"lasted {self.lasted:.1f}, sent {self.sent:.1f}, acknowledged {self.acknowledged:.1f}"
        return f"{self.kind} {self.seconds:.1f} ({times})" if self.seconds else f"{self.kind} 0.0"


class Timeline:
    """The times of all messages, by push id."""

    def __init__(self) -> None:
        self.messages: dict[str, Times] = {}

    def sent(self, push_id: str, now: float, anew: bool) -> None:
        """Record a push; `anew` if its author was offline on purpose since the previous one."""
        times = self.messages.setdefault(push_id, Times(now))
        if anew and times.acknowledged_at is None:
            times.sent_at = now

    def acknowledged(self, push_id: str, now: float) -> None:
        """Record the first acknowledgement."""
        times = self.messages.get(push_id)
        if times is not None and times.acknowledged_at is None:
            times.acknowledged_at = now

    def had(self, push_id: str, now: float, here_since: float | None) -> None:
        """Record a receipt: live by a client connected since `here_since`, or in the reply to a join (None)."""
        times = self.messages.get(push_id)
        if times is None:  # of an earlier schedule, or its author disconnected before the first reply
            return
        times.had_at = max(times.had_at, now)
        if here_since is not None and times.acknowledged_at is not None and here_since < times.acknowledged_at:
            times.silence = max(times.silence, now - times.acknowledged_at)

    @property
    def longest_answer(self) -> float:
        """The longest wait of an author for an acknowledgement, in seconds."""
        answered = ((each.acknowledged_at, each.sent_at) for each in self.messages.values())
        return max((at - sent_at for at, sent_at in answered if at is not None), default=0.0)

    def heals(self, faults: Iterable[Fault]) -> list[Heal]:
        """Return how each fault healed, in the order of their beginnings."""
        ordered = sorted(faults, key=lambda fault: fault.began)
        last: dict[Fault, Times] = {}
        for times in self.messages.values():
            felt = [fault for fault in ordered if fault.began <= times.sent_at + LATE_SECONDS]
            if felt and times.is_late and times.whole_at > last.get(felt[-1], _NEVER).whole_at:
                last[felt[-1]] = times
        return [_heal(fault, last.get(fault)) for fault in ordered]

    def silence(self, began: float, over: float) -> float:
        """Return the longest wait of a connected client for a message acknowledged in that time."""
        times = (each for each in self.messages.values() if each.acknowledged_at is not None)
        return max((each.silence for each in times if began <= (each.acknowledged_at or 0) <= over), default=0.0)


_NEVER = Times(0.0, 0.0)


def _heal(fault: Fault, last: Times | None) -> Heal:
    lasted = fault.over - fault.began
    if last is None or last.acknowledged_at is None:
        return Heal(fault.kind, lasted)
    times = (last.whole_at, last.sent_at, last.acknowledged_at)
    return Heal(fault.kind, lasted, *(each - fault.began for each in times))
