"""Administrators, the school's office: what they may join, and what else is true of them. They are in no class."""

from channels.lesson import acknowledging, reading
from channels.lesson.rules import Role, rule

ROLE = Role(
    "administrator",
    "administrators",
    "Administrators, who run the school's accounts and settings.",
    {
        "school": rule(
            *(reading.READ, reading.MARK, reading.COUNT),
            *(acknowledging.ACKNOWLEDGE, acknowledging.READ),
            counted=True,
        ),
        "user:me": rule(reading.READ, reading.MARK),
    },
    drain_rank=1,
    reads_audit=True,
)
