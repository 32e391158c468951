"""What teachers may join and do, and the socket they come in by."""

from channels.lesson import announcements, chat, reading
from channels.member import Role
from channels.policy import RoleRules, enrolled, rule
from channels.websocket import ChannelSocket

RULES = RoleRules(
    Role.TEACHER,
    {
        "class": rule(
            chat.SEND,
            chat.TYPE,
            announcements.SEND,
            reading.READ,
            reading.MARK,
            reading.RECEIPTS,
            may_join=enrolled,
            presence=True,
        ),
        "role:teachers": rule(reading.READ, reading.MARK),
        "school": rule(reading.READ, reading.MARK),
        "user:me": rule(reading.READ),
    },
)


class TeacherSocket(ChannelSocket):
    """The teachers' WebSocket."""

    rules = RULES


handlers = [(r"/teachers/socket/websocket", TeacherSocket)]
