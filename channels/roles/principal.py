"""The principal: what they may join and do, and what else is true of them. A class sees that they are there."""

from channels.lesson import amending, correcting, flags, progress, reading
from channels.lesson.rules import Role, ended, rule
from channels.roles import staff

_OF_ANYBODY = (progress.PROGRESS_ANY, progress.REMIND_ANY, correcting.WITHDRAW_ANY)
_ANNOUNCE = rule(*staff.ANNOUNCE, *_OF_ANYBODY)

ROLE = Role(
    "principal",
    "principal",
    "The principal, in every class.",
    {
        "class": rule(*staff.IN_CLASS, amending.RESTORE_ANY, *_OF_ANYBODY),
        "staff": staff.STAFF_TOPIC,
        "role:students": _ANNOUNCE,
        "role:teachers": _ANNOUNCE,
        "school": _ANNOUNCE,
        "principals": rule(flags.SEE, flags.CLOSE, *staff.READ),
        "user:me": staff.OWN_TOPIC,
        "announcement": rule(reading.READ),
        "dashboard": rule(),
    },
    ended_class=ended(*staff.IN_ENDED_CLASS),
    is_staff=True,
    drain_rank=2,  # last: the principal watches the drain, too
    sees_all_classes=True,
    reads_audit=True,
)
