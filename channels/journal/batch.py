"""What goes into one transaction, and how it is divided when the database refuses something of it."""

from collections.abc import Sequence

import msgspec

from channels.journal.entry import Group, Mark, Snapshot, Spells


class Batch(msgspec.Struct):
    """Groups in their order, and the read marks, snapshots and spells that ride along."""

    groups: Sequence[Group] = ()
    marks: Sequence[Mark] = ()
    snapshots: Sequence[Snapshot] = ()
    spells: Spells | None = None

    def __len__(self) -> int:
        """Return how many things are stored or refused by themselves."""
        return len(self.groups) + len(self.marks) + len(self.snapshots) + (self.spells is not None)

    @property
    def topics(self) -> set[str]:
        """The topics that get events."""
        return {entry.topic for group in self.groups for entry in group.entries}

    def split(self) -> list["Batch"]:
        """Return two or three smaller batches, in order: one of each kind, or the halves of the only kind.

        Halving finds one bad group among 500 in 18 transactions; one by one would take 500.
        """
        kinds = [
            Batch(self.groups),
            Batch(marks=self.marks),
            Batch(snapshots=self.snapshots),
            Batch(spells=self.spells),
        ]
        parts = [each for each in kinds if each]
        return parts if len(parts) > 1 else [self._part(0, len(self) // 2), self._part(len(self) // 2, len(self))]

    def _part(self, start: int, end: int) -> "Batch":
        return Batch(self.groups[start:end], self.marks[start:end], self.snapshots[start:end])
