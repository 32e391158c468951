"""How many sign-ins of each outcome this worker has served since its start, for a monitor."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from channels.metric import Kind, Metric, Sample
from server.accounts.refusals import SignInRefused

SIGN_INS = Metric(
    "lousa_sign_ins_total",
    Kind.COUNTER,
    "Sign-ins, by outcome: made, or why they were refused (throttled: too many wrong ones came before).",
    ("outcome",),
)


class SignIns:
    """Counts them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:  # asynchronous for its place in the users' `async with` only
        """Count one sign-in, which is made or refused in this block."""
        try:
            yield
        except SignInRefused as refused:
            self._counts[refused.reason] += 1
            raise
        self._counts["made"] += 1

    def read_numbers(self) -> Iterator[Sample]:
        """Return the counts."""
        return (SIGN_INS.of(count, outcome) for outcome, count in self._counts.items())
