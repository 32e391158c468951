"""The dashboard as a client keeps it: a snapshot, and the changes after it."""

from typing import Any

from channels.cluster.message_rates import CHART_MINUTES

Payload = dict[str, Any]


class SeenSchool:
    """What a client shows after a join's snapshot and the changes since: `classes` by id, with whole charts."""

    def __init__(self, snapshot: Payload) -> None:
        self.version: int = snapshot["version"]
        self.minute: int = snapshot["minute"]
        self.totals: Payload = snapshot["totals"]
        self.classes: dict[int, Payload] = {row["id"]: _whole(row) for row in snapshot["classes"]}

    def apply(self, changes: Payload) -> None:
        """Apply the next changes."""
        assert changes["previous"] == self.version, f"{changes['previous']} does not follow {self.version}"
        passed = changes["minute"] - self.minute
        for row in self.classes.values():
            row["messages"] = [*row["messages"], *[0] * passed][-CHART_MINUTES:]
        for each in changes["classes"]:
            row = self.classes.setdefault(each["id"], {"messages": [0] * CHART_MINUTES, "lesson": None})
            newest = each.get("messages", [])
            row.update({**each, "messages": [*row["messages"][: CHART_MINUTES - len(newest)], *newest]})
        for class_id in changes["gone"]:
            del self.classes[class_id]
        self.version, self.minute, self.totals = changes["version"], changes["minute"], changes["totals"]

    def titled(self, title: str) -> Payload:
        """Return the row of the class with this title."""
        return next(row for row in self.classes.values() if row["title"] == title)


def _whole(row: Payload) -> Payload:
    messages: list[int] = row["messages"]
    return {"lesson": None, **row, "messages": [0] * (CHART_MINUTES - len(messages)) + messages}
