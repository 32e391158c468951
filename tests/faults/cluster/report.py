"""Describes the outcomes of schedules as text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.faults.cluster.drill import Felt, Outcome
from tests.faults.cluster.timeline import Heal
from tests.faults.cluster.verdict import total

SHOWN_BREACHES = 20


def describe(outcome: Outcome) -> str:
    """Describe the outcome of one schedule."""
    verdict = outcome.verdict
    lines = [
        f"seed {outcome.seed}: {verdict}; {'sound' if verdict.sound else 'FAILED'}",
        f"over WebSockets: {_felt(outcome.felt_by_websockets)}",
        f"by all, polls included: {_felt(outcome.felt)}",
        f"presence right after {outcome.presence_seconds:.1f} s, {outcome.pushes_again} pushes again, "
        f"{outcome.holes} holes told",
        f"closed with {dict(outcome.closings)}, not let in {dict(outcome.refusals)}, of these "
        f"{outcome.refused_at_hang_up} at a rolling replacement, put off {dict(outcome.put_off)}",
        *verdict.breaches[:SHOWN_BREACHES],
    ]
    return "\n  ".join(lines)


def _felt(felt: Felt) -> str:
    return (
        f"healed after (s): {', '.join(map(str, felt.heals))}; silence with Redis away "
        f"{max(felt.silences, default=0):.2f} s, last words {felt.last_words:.1f} s, longest return "
        f"{felt.longest_return:.1f} s"
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """Describe the outcomes of all schedules."""
    refused = sum((outcome.refusals for outcome in outcomes), Counter[str]())
    return "\n".join(
        [
            f"{len(outcomes)} schedules, {sum(len(outcome.felt.heals) - 1 for outcome in outcomes)} faults; "
            f"{total(outcome.verdict for outcome in outcomes)}",
            "Over WebSockets:",
            *_summary([outcome.felt_by_websockets for outcome in outcomes]),
            "By all, polls included:",
            *_summary([outcome.felt for outcome in outcomes]),
            f"presence right at the latest after: {max((o.presence_seconds for o in outcomes), default=0):.1f} s",
            f"pushed again: {sum(o.pushes_again for o in outcomes)}, holes told: {sum(o.holes for o in outcomes)}",
            f"not let in: {dict(refused)}, at rolling replacements {sum(o.refused_at_hang_up for o in outcomes)}",
        ]
    )


def _summary(felt: Sequence[Felt]) -> list[str]:
    heals: dict[str, list[Heal]] = {}
    for heal in (heal for each in felt for heal in each.heals):
        heals.setdefault(heal.kind, []).append(heal)
    silences = [silence for each in felt for silence in each.silences]
    return [
        f"{'fault':<20}{'times':>6}{'longest to heal, s':>20}{'middle':>8}{'longest after its end':>23}",
        *(_line(kind, each) for kind, each in sorted(heals.items())),
        f"longest silence with Redis away: {max(silences, default=0):.2f} s",
        f"last words with everybody, Redis away: {max((each.last_words for each in felt), default=0):.1f} s",
        f"longest return after a lost line: {max((each.longest_return for each in felt), default=0):.1f} s",
    ]


def _line(kind: str, heals: Sequence[Heal]) -> str:
    seconds = [heal.seconds for heal in heals]
    after = max(heal.after for heal in heals)
    return f"{kind:<20}{len(heals):>6}{max(seconds):>20.1f}{_middle(seconds):>8.1f}{after:>23.1f}"


def _middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
