"""Over WebSockets and long-polls alike, each role is refused what its file does not give, and what a lock forbids."""

from collections.abc import AsyncIterator

import pytest

from channels.member import Member
from channels.topics.kind import CLASS
from server.asyncapi import TABLES
from tests.channels.rights import CLASS_ID, RIGHT_CODES, State, actions, events_of, examples, refused_by, states
from tests.channels.support import ANA, DIRETORA, PAULA
from tests.channels.transports.sockets import Served
from tests.phoenix import Connection, ErrorReply, Payload

ADDRESS = CLASS.address(CLASS_ID)
TOPIC = ADDRESS.wire_name
PATHS = {role.name: role.path for role in TABLES.roles}
# One kind of database is enough: what is tested does not depend on it.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

STATES = states(ANA.user.id)
WAYS = {
    "WebSocket": "ws://127.0.0.1:{port}/{path}/socket/websocket?access_token={login}",
    "MessagePack": "ws://127.0.0.1:{port}/{path}/socket/websocket?format=msgpack&access_token={login}",
    "long-poll": "http://127.0.0.1:{port}/{path}/socket/longpoll?access_token={login}",
}


class People:
    """Who has connected over one way, and the durable events that the first of them got."""

    def __init__(self, served: Served, way: str) -> None:
        self.got: list[tuple[str, Payload]] = []
        self._served = served
        self._url = WAYS[way]
        self._here: list[Connection] = []

    async def come(self, who: Member) -> Connection:
        """Connect, and join the class."""
        url = self._url.format(port=self._served.port, path=PATHS[who.user.role], login=who.login)
        connection = await Connection.open(url, _ignore if self._here else self._receive)
        self._here.append(connection)
        await connection.join(TOPIC)
        return connection

    def _receive(self, topic: str, event: str, payload: Payload) -> None:
        if "seq" in payload:
            self.got.append((event, payload))

    async def leave(self) -> None:
        """Close all connections."""
        for connection in self._here:
            connection.close()
            await connection.closed.wait()


def _ignore(topic: str, event: str, payload: Payload) -> None:
    pass


@pytest.fixture(params=list(WAYS))
async def people(served: Served, request: pytest.FixtureRequest) -> AsyncIterator[People]:
    people = People(served, request.param)
    yield people
    await people.leave()


@pytest.mark.parametrize("name", ["open", "locked", "muted", "closed"])
async def test_refused_pushes_are_answered_and_reach_nobody(people: People, name: str) -> None:
    state = STATES[name]
    paula = await people.come(PAULA)
    for event, payload in state.pushes:
        await paula.request(TOPIC, event, payload)
    for who in (ANA, PAULA, DIRETORA):
        await _push_all_that_is_refused(await people.come(who), who, state)
    await paula.request(TOPIC, "message:send", {"text": "Bom dia!"})
    assert [event for event, _ in people.got][len(state.pushes) :] == ["message:sent"]


async def _push_all_that_is_refused(client: Connection, who: Member, state: State) -> None:
    allowed = actions(TABLES, who, ADDRESS) or frozenset()
    for event in events_of(TABLES):
        by_state = refused_by(TABLES, who, ADDRESS, event, state)
        if event in allowed and not by_state:
            continue
        with pytest.raises(ErrorReply) as refused:
            await client.request(TOPIC, event, examples().get(event, {}))
        code = refused.value.response["code"]
        assert code == by_state if event in allowed else code in RIGHT_CODES, f"{who.login} {event}: {code}"
