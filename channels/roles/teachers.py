"""What teachers may join and do, and how they come in."""

from channels.lesson import announcements, chat, reading
from channels.lesson.rules import RoleRules, enrolled, rule
from channels.member import Role
from channels.transports.longpoll import ChannelPoll
from channels.transports.websocket import ChannelSocket

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


class TeacherPoll(ChannelPoll):
    """The teachers' long-poll."""

    rules = RULES


handlers = [
    (r"/teachers/socket/websocket", TeacherSocket),
    (r"/teachers/socket/longpoll", TeacherPoll),
]
