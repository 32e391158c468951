"""Parents: the topics they may join, their actions, and their other settings."""

from channels.lesson import reading
from channels.lesson.rules import Role, rule

ROLE = Role(
    "parent",
    "parents",
    "Parents, in their children's classes.",
    {
        "class": rule(reading.READ, reading.MARK),
        "role:parents": rule(reading.READ, reading.MARK, counted=True),
        "school": rule(reading.READ, reading.MARK, counted=True),
        "user:me": rule(reading.READ),
    },
    waits_in_line=True,
    drain_rank=0,
)
