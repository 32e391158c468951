"""Teachers: what they may join and do, and what else is true of them."""

from channels.lesson import acknowledging, amending, correcting, progress, reading
from channels.lesson.rules import Role, ended, rule
from channels.roles import staff

_READ = rule(*staff.READ, acknowledging.ACKNOWLEDGE, acknowledging.READ, counted=True)

ROLE = Role(
    "teacher",
    "teachers",
    "Teachers, in their classes.",
    {
        "class": rule(*staff.IN_CLASS, amending.RESTORE, progress.PROGRESS, progress.REMIND, correcting.WITHDRAW),
        "staff": staff.STAFF_TOPIC,
        "role:teachers": _READ,
        "school": _READ,
        "user:me": staff.OWN_TOPIC,
        "announcement": rule(reading.READ),
    },
    ended_class=ended(*staff.IN_ENDED_CLASS),
    is_staff=True,
    drain_rank=1,
)
