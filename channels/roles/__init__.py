"""The table of roles: one file for each, with all that is true of that role, and `staff` with what several have alike.

A new role is one new file beside `students.py` and one line in `ROLES` (docs/adding-a-role.md).
"""

from channels.lesson.rules import Role
from channels.roles import administrators, principal, students, teachers
from channels.transports.longpoll import ChannelPoll
from channels.transports.websocket import ChannelSocket, socket_path

ROLES = (students.ROLE, teachers.ROLE, principal.ROLE, administrators.ROLE)

Route = tuple[str, type[ChannelSocket] | type[ChannelPoll]]


def routes(role: Role) -> tuple[Route, Route]:
    """Return the addresses at which a role connects, and their handlers; these are made with `gate` and `role`."""
    return (
        (socket_path(role), ChannelSocket),
        (f"/{role.path}/socket/longpoll", ChannelPoll),
    )
