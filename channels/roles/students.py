"""What students may join and do, and how they come in."""

from channels.lesson import chat, reading
from channels.lesson.rules import RoleRules, enrolled, rule
from channels.member import Role
from channels.transports.longpoll import ChannelPoll
from channels.transports.websocket import ChannelSocket

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


class StudentPoll(ChannelPoll):
    """The students' long-poll."""

    rules = RULES


handlers = [
    (r"/students/socket/websocket", StudentSocket),
    (r"/students/socket/longpoll", StudentPoll),
]
