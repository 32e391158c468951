"""What a push stores: its effects as entries of the journal, for one transaction."""

from collections.abc import Sequence
from typing import Any

from channels.journal.entry import Choice, Entry, Tally
from channels.lesson.feature import Action, Append, Effect, KeepChoice, Push

Others = Sequence[Effect[Any]]


def entries_of(push: Push[Any], first: Append[Any], others: Others, stores_in: str, key: str | None) -> list[Entry]:
    """Return what a push stores in one transaction; the first entry's key makes it count once, the others follow."""
    entries = [_entry(push, first, stores_in, key or first.key)]
    if others:
        entries += others_of(push, others)
        _audit_once(entries)
    return entries


def others_of(push: Push[Any], others: Others) -> list[Entry]:
    """Return what a push stores beside its first entry."""
    return [_entry(push, each, push.topic.name, each.key) for each in others if isinstance(each, Append)]


def _audit_once(entries: Sequence[Entry]) -> None:
    """Let an event that goes to several topics be recorded once."""
    recorded: set[str] = set()
    for entry in entries:
        entry.audited = entry.audited and entry.event not in recorded
        recorded.add(entry.event)


def _entry(push: Push[Any], append: Append[Any], topic: str, key: str | None) -> Entry:
    event = append.event
    return Entry(
        append.topic or topic,
        event.name,
        event.encode(append.payload),
        push.member.user.id,
        key,
        push.at,
        event.governs,
        append.about,
        event.amends or event.annotates,
        event.annotates is not None,
        append.names_first,
        timer=append.timer,
        stops=append.stops,
        tally=_tally(append),
        audited=event.audited,
    )


def _tally(append: Append[Any]) -> Tally | None:
    counted = append.counted
    if counted is None:
        return None
    encode, complete, payload = append.event.encode, counted.complete, append.payload
    return Tally(counted.target, lambda counts: encode(complete(payload, counts)), counted.forget)


def choice_entry(push: Push[Any], keep: KeepChoice, action: Action[Any, Any]) -> Entry:
    """Return what a push stores as its author's choice about an event."""
    choice = Choice(keep.target, keep.value, keep.replaces, keep.refusal)
    return Entry(push.topic.name, action.event, b"", push.member.user.id, action.key(push), push.at, choice=choice)
