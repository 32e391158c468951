"""When things happened, as clients saw it: how long a fault was felt, and how long a message took to come.

A message is *whole* when it has been acknowledged and everybody in its class has it who is not away by their own will.
It is *late* when that took more than LATE_SECONDS from its first sending. A late message is felt from LATE_SECONDS
after its sending, and laid to the fault that had begun last by then. So the time to heal of a fault reaches from its
beginning to the moment when the last late message laid to it was whole: from then on everybody had all that had been
acknowledged, and what was new came within LATE_SECONDS. 0 is a fault that nobody felt.
"""

from collections.abc import Iterable
from dataclasses import dataclass

LATE_SECONDS = 1.0


@dataclass(slots=True)
class Times:
    """The times of one message, in seconds of one clock; `silence` is the longest that somebody present waited."""

    sent_at: float
    acknowledged_at: float | None = None
    had_at: float = 0.0
    silence: float = 0.0

    @property
    def whole_at(self) -> float | None:
        """When everybody had it who should, and its author the answer."""
        return None if self.acknowledged_at is None else max(self.acknowledged_at, self.had_at)


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done, and when it began and was over (again there, thawed)."""

    kind: str
    began: float
    over: float


class Timeline:
    """The times of all messages, by push id."""

    def __init__(self) -> None:
        self.messages: dict[str, Times] = {}

    def sent(self, push_id: str, now: float, anew: bool) -> None:
        """Note a sending; `anew` where the author was away by their own will since the one before."""
        times = self.messages.setdefault(push_id, Times(now))
        if anew and times.acknowledged_at is None:
            times.sent_at = now

    def acknowledged(self, push_id: str, now: float) -> None:
        """Note the first answer."""
        times = self.messages.get(push_id)
        if times is not None and times.acknowledged_at is None:
            times.acknowledged_at = now

    def had(self, push_id: str, now: float, here_since: float | None) -> None:
        """Note that somebody got it: live, who had been connected since `here_since`, or on return (None)."""
        times = self.messages.get(push_id)
        if times is None:  # of an earlier schedule, or its author hung up on the first answer
            return
        times.had_at = max(times.had_at, now)
        if here_since is not None and times.acknowledged_at is not None and here_since < times.acknowledged_at:
            times.silence = max(times.silence, now - times.acknowledged_at)

    def heals(self, faults: Iterable[Fault]) -> list[tuple[Fault, float]]:
        """Return each fault with the seconds that it took to heal."""
        ordered = sorted(faults, key=lambda fault: fault.began)
        healed = dict.fromkeys(ordered, 0.0)
        for times in self.messages.values():
            whole_at = times.whole_at
            if whole_at is None or whole_at - times.sent_at <= LATE_SECONDS:
                continue
            felt = [fault for fault in ordered if fault.began <= times.sent_at + LATE_SECONDS]
            if felt:
                healed[felt[-1]] = max(healed[felt[-1]], whole_at - felt[-1].began)
        return list(healed.items())

    def silence(self, began: float, over: float) -> float:
        """Return the longest that somebody connected waited for a message acknowledged in that time."""
        times = (each for each in self.messages.values() if each.acknowledged_at is not None)
        return max((each.silence for each in times if began <= (each.acknowledged_at or 0) <= over), default=0.0)
