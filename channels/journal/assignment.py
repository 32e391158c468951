"""Gives the events of a batch their positions, from what PostgreSQL said of their topics; does no I/O.

counters, known pushes, authors' newest events, choices -> assign -> the rows to write, and what became of each push
"""

from collections.abc import Sequence
from typing import NamedTuple

from channels.errors import Refused
from channels.journal import choices
from channels.journal.choices import KeptChoice
from channels.journal.entry import Counter, Entry, Group, Receipt, Stored, Superseded


class Fresh(NamedTuple):
    """An entry that gets an event, its topic's id and its position, and that of the first entry of its group."""

    topic_id: int
    seq: int
    entry: Entry
    first: int


Choices = dict[tuple[int, int, int], KeptChoice]  # by topic, target and user


Known = dict[tuple[int, int, str], Receipt]
Own = dict[tuple[int, int], int]


class Assigned(NamedTuple):
    """What becomes of a batch's groups, the events that it adds, and the choices that it changes."""

    stored: list[Stored]
    fresh: list[Fresh]
    chosen: Choices


def choice_key(counter: Counter, entry: Entry) -> tuple[int, int, int]:
    """Return by what a choice is found: its topic, its event and its user."""
    assert entry.choice is not None
    return counter.id, entry.choice.target, entry.author_id


def assign(
    counters: dict[str, Counter], known: Known, own: Own | None, kept: Choices, groups: Sequence[Group]
) -> Assigned:
    """Give each new entry its topic's next position; a push id that comes twice in the batch counts once, too.

    Counters, known pushes, newest events and choices go on as if the batch were written. `own` is None where no push
    asks for its author's events.
    """
    assigned = Assigned([], [], {})
    for group in groups:
        entry = group.entries[0]
        counter = counters[entry.topic]
        receipt = _known_receipt(counter, entry, known, kept)
        if receipt is not None:
            assigned.stored.append([receipt])
        elif (superseded := _superseded(counters, own, group)) is not None:
            assigned.stored.append(superseded)
        elif (refusal := _take_choice(counter, entry, kept, assigned)) is not None:
            assigned.stored.append(refusal)
        else:
            first = counter.seq + 1 if entry.choice is None else entry.choice.target
            receipts = [_take_next(counters[each.topic], each, first, assigned) for each in group.entries]
            assigned.stored.append(receipts)
            if own is not None:
                own.update(_positions(counters, group, receipts))
            if entry.push_id and entry.choice is None:
                known[counter.id, entry.author_id, entry.push_id] = Receipt(receipts[0].seq, entry.at, fresh=False)
    return assigned


def _known_receipt(counter: Counter, entry: Entry, known: Known, kept: Choices) -> Receipt | None:
    if entry.choice is not None:
        return choices.known(kept.get(choice_key(counter, entry)), entry.choice, entry)
    return known.get((counter.id, entry.author_id, entry.push_id)) if entry.push_id else None


def _take_choice(counter: Counter, entry: Entry, kept: Choices, assigned: Assigned) -> Refused | None:
    if entry.choice is None:
        return None
    key = choice_key(counter, entry)
    taken = choices.taken(kept.get(key), entry.choice, entry)
    if isinstance(taken, Refused):
        return taken
    kept[key] = assigned.chosen[key] = taken
    return None


def _superseded(counters: dict[str, Counter], own: Own | None, group: Group) -> Superseded | None:
    checked = group.checked
    if checked is None:
        return None
    counter = counters[checked.topic]
    newest = 0
    if own is not None and checked.own is not None:
        newest = own.get((counter.id, group.entries[0].author_id), 0)
        newest = newest if newest > checked.own else 0
    return Superseded(counter.governed, newest) if newest or counter.governed > checked.governed else None


def _positions(counters: dict[str, Counter], group: Group, receipts: Sequence[Receipt]) -> Own:
    return {
        (counters[entry.topic].id, entry.author_id): receipt.seq
        for entry, receipt in zip(group.entries, receipts, strict=True)
        if entry.choice is None
    }


def _take_next(counter: Counter, entry: Entry, first: int, assigned: Assigned) -> Receipt:
    if entry.choice is not None:
        return Receipt(entry.choice.target, entry.at)
    receipt = counter.take(entry)
    assigned.fresh.append(Fresh(counter.id, receipt.seq, entry, first))
    return receipt
