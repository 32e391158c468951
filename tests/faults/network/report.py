"""Describes the outcomes of schedules on a bad network as text."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.cluster.verdict import total
from tests.faults.network.drill import KINDS, Outcome
from tests.faults.network.stock import STOCK_KINDS, Seen, StockKind

SHOWN_BREACHES = 20


def describe(outcome: Outcome) -> str:
    """Describe the outcome of one schedule."""
    verdict = outcome.verdict
    kinds = [f"{kind}: {counted}" for kind, counted in outcome.kinds.items()]
    answers = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in outcome.answers.items())
    stock = [f"stock, {kind}: {_seen(seen)}" for kind, seen in outcome.stock.items() if seen.clients]
    lines = [
        f"seed {outcome.seed}, {outcome.fault}: {'sound' if verdict.sound else 'FAILED'}",
        *kinds,
        f"longest wait for an answer (s): {answers}; settled after {outcome.settled_seconds:.1f} s",
        *stock,
        f"done: {_listed(outcome.done)}; what carried pages: {_listed(outcome.carried)}",
        *verdict.breaches[:SHOWN_BREACHES],
    ]
    return "\n  ".join(lines)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Describe the outcomes of all schedules, by fault."""
    faults = dict.fromkeys(outcome.fault for outcome in outcomes)
    by_fault = {fault: [outcome for outcome in outcomes if outcome.fault == fault] for fault in faults}
    heading = (
        f"{'fault':<20}{'client':<20}{'schedules':>10}{'sent':>8}{'answered':>10}{'lost':>6}{'doubled':>9}"
        f"{'out of order':>14}{'untrue':>8}{'longest answer, s':>19}"
    )
    lines = [heading]
    for fault, those in by_fault.items():
        lines += [_row(fault, kind, those) for kind in KINDS if any(each.kinds.get(kind) for each in those)]
        lines += [
            _stock_row(fault, kind, those) for kind in STOCK_KINDS if any(each.stock[kind].clients for each in those)
        ]
        lines.append(f"{'':<20}done: {_listed(sum((each.done for each in those), Counter[str]()))}")
    sound = sum(outcome.verdict.sound for outcome in outcomes)
    lines.append(f"{len(outcomes)} schedules, {sound} sound; {total(outcome.verdict for outcome in outcomes)}")
    return "\n".join(lines)


def _row(fault: str, kind: str, outcomes: Sequence[Outcome]) -> str:
    counted = total(each.kinds[kind] for each in outcomes if kind in each.kinds)
    longest = max(each.answers[kind] for each in outcomes)
    return (
        f"{fault:<20}{kind:<20}{len(outcomes):>10}{counted.sent:>8}{counted.acknowledged:>10}{counted.lost:>6}"
        f"{counted.doubled:>9}{counted.out_of_order:>14}{counted.untrue:>8}{longest:>19.1f}"
    )


def _stock_row(fault: str, kind: StockKind, outcomes: Sequence[Outcome]) -> str:
    together = Seen()
    for outcome in outcomes:
        together.add(outcome.stock[kind])
    return f"{fault:<20}{kind}: {_seen(together)}"


def _seen(seen: Seen) -> str:
    return (
        f"{seen.sent} sent, {seen.acknowledged} answered, {seen.lost} lost ({seen.unless_joined} but for joins from "
        f"positions), {seen.doubled} doubled, {seen.out_of_order} out of order, {seen.joins} joins of {seen.clients}"
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"
