"""What students may join and do, and the socket they come in by."""

from channels.lesson import chat, reading
from channels.member import Role
from channels.policy import RoleRules, enrolled, rule
from channels.websocket import ChannelSocket

RULES = RoleRules(
    Role.STUDENT,
    {
        "class": rule(chat.SEND, chat.TYPE, reading.READ, reading.MARK, may_join=enrolled, presence=True),
        "role:students": rule(reading.READ, reading.MARK),
        "school": rule(reading.READ, reading.MARK),
        "user:me": rule(reading.READ),
    },
)


class StudentSocket(ChannelSocket):
    """The students' WebSocket."""

    rules = RULES


handlers = [(r"/students/socket/websocket", StudentSocket)]
