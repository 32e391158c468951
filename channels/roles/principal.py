"""What the principal may join and do, and how they come in. In a class they are seen like everybody."""

from channels.lesson import announcements, chat, reading
from channels.lesson.rules import RoleRules, enrolled, rule
from channels.member import Role
from channels.transports.longpoll import ChannelPoll
from channels.transports.websocket import ChannelSocket

_ANNOUNCE = (announcements.SEND, reading.READ, reading.MARK, reading.RECEIPTS)

RULES = RoleRules(
    Role.PRINCIPAL,
    {
        "class": rule(chat.SEND, chat.TYPE, *_ANNOUNCE, may_join=enrolled, presence=True),
        "role:students": rule(*_ANNOUNCE),
        "role:teachers": rule(*_ANNOUNCE),
        "school": rule(*_ANNOUNCE),
        "user:me": rule(reading.READ),
        "dashboard": rule(),
    },
)


class PrincipalSocket(ChannelSocket):
    """The principal's WebSocket."""

    rules = RULES


class PrincipalPoll(ChannelPoll):
    """The principal's long-poll."""

    rules = RULES


handlers = [
    (r"/principal/socket/websocket", PrincipalSocket),
    (r"/principal/socket/longpoll", PrincipalPoll),
]
