"""Choices: one number for each user and event, such as a vote; what becomes of a new one beside the one that is kept.

    kept, new -> known(): the push was stored before, as it is now or before it was replaced
              -> taken(): the row from now on, or the refusal where the first choice stands

They are no events: nobody is sent them, and a topic's positions do not tell who chose when. The writers read and write
the rows; this module has no I/O.
"""

from collections.abc import Sequence
from typing import NamedTuple

from channels.errors import Refused
from channels.journal.entry import Choice, Entry, Receipt

# Ids of pushes that are kept with a choice which may be replaced: a client that retries has a few under way.
MAX_PUSH_IDS = 10


class KeptChoice(NamedTuple):
    """A stored choice: its value (None: forgotten), its time, and the ids of the pushes that made it, newest last."""

    value: int | None
    at: int
    push_ids: Sequence[str]

    @classmethod
    def read(cls, value: int | None, at: int, push_ids: str) -> "KeptChoice":
        """Read a row."""
        return cls(value, at, push_ids.split())

    @property
    def joined_ids(self) -> str:
        """The ids as one text: they have no spaces (`channels.field.PushId`)."""
        return " ".join(self.push_ids)


def known(kept: KeptChoice | None, choice: Choice, entry: Entry) -> Receipt | None:
    """Return the receipt of a push that was stored before, None for a new one."""
    if kept is None or entry.push_id not in kept.push_ids:
        return None
    return Receipt(choice.target, kept.at, fresh=False)


def taken(kept: KeptChoice | None, choice: Choice, entry: Entry) -> KeptChoice | Refused:
    """Return what is kept of a user from now on, or why their new choice is refused."""
    if kept is not None and not choice.replaces:
        return choice.refusal
    before = kept.push_ids if kept is not None else ()
    mine = [entry.push_id] if entry.push_id else []
    return KeptChoice(choice.value, entry.at, [*before, *mine][-MAX_PUSH_IDS:])
