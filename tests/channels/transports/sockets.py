"""Real WebSockets for tests: a worker behind an HTTP server, clients that always read, and raw clients."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, websocket_connect

from channels import roles
from channels.limit import Limits
from channels.transports.admission import Admission
from channels.transports.gate import Gate
from channels.transports.poll_sessions import PollSessions
from channels.transports.upgrades import Upgrades
from server.process.tornado_http_server import Server
from tests.channels.support import Worker, unframed
from tests.channels.wire.client_frames import frame

# Small, so that a test fills a client's outbox without sending megabytes.
LIMITS = Limits(push_rate=0, max_outbox_bytes=64 * 1024)

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
}
ORIGIN = "https://portal.example"


class Connection:
    """A client that reads all the time and keeps received messages until the test asks for them."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.socket: WebSocketClientConnection

    @classmethod
    async def open(cls, request: HTTPRequest, subprotocols: list[str] | None = None) -> "Connection":
        self = cls()
        self.socket = await websocket_connect(
            request, on_message_callback=self._messages.put_nowait, subprotocols=subprotocols
        )
        return self

    async def send(self, *message: object) -> None:
        await self.socket.write_message(json.dumps(message))

    async def read(self) -> Any:
        async with asyncio.timeout(10):
            data = await self._messages.get()
        assert data is not None, f"closed with {self.socket.close_code}"
        return json.loads(data)

    async def reply(self, ref: str) -> Any:
        while True:
            frame = await self.read()
            if frame[1] == ref:
                return frame[4]

    async def join(self, topic: str = "class:7") -> Any:
        await self.send("1", "1", topic, "phx_join", {})
        return await self.reply("1")

    async def closed(self) -> int | None:
        """Wait for the end, and return the close code."""
        async with asyncio.timeout(10):
            while await self._messages.get() is not None:
                pass
        return self.socket.close_code

    async def talk(self, first: int, count: int) -> None:
        """Send long messages with these refs, all at once, and wait until each is answered."""
        for number in range(first, first + count):
            await self.send("1", f"t{number}", "class:7", "message:send", {"text": "x" * 4000})
        for number in range(first, first + count):
            assert (await self.reply(f"t{number}"))["status"] == "ok"

    async def close(self) -> None:
        # Looked up first: close() forgets the protocol before the stream is closed.
        stream = self.socket.protocol.stream if self.socket.protocol is not None else None
        self.socket.close()
        async with asyncio.timeout(10):
            while stream is not None and not stream.closed():
                await asyncio.sleep(0.01)


class Served:
    """A worker behind a real HTTP server; credentials are logins."""

    def __init__(self, worker: Worker, server: HTTPServer) -> None:
        self.worker = worker
        self.port: int = next(iter(server._sockets.values())).getsockname()[1]
        self._server = server
        self.connections: list[Connection] = []

    def request(self, query: str = "", role: str = "students", **headers: str) -> HTTPRequest:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return HTTPRequest(f"ws://127.0.0.1:{self.port}/{role}/socket/websocket?{query}", headers=named)

    async def connect(self, query: str = "", role: str = "students", **headers: str) -> Connection:
        self.connections.append(await Connection.open(self.request(query, role, **headers)))
        return self.connections[-1]

    def is_silent(self) -> bool:
        """Tell whether no connection has sent a byte of HTTP that Tornado reads on."""
        return not self._server._connections

    async def gone(self, user_id: int) -> None:
        """Wait until a user has no connection; Tornado waits 5 s for the answer to a close frame."""
        async with asyncio.timeout(9):
            while self.worker.engine._registry.count_of(user_id):
                await asyncio.sleep(0.01)

    async def refused(self, query: str = "", role: str = "students", **headers: str) -> int:
        return (await self.refusal(query, role, **headers)).code

    async def refusal(self, query: str = "", role: str = "students", **headers: str) -> HTTPResponse:
        request = self.request(query, role, **headers, **UPGRADE)
        request.url = request.url.replace("ws:", "http:")
        return await AsyncHTTPClient().fetch(request, raise_error=False)


@asynccontextmanager
async def serving(
    worker: Worker, admission: Admission | None = None, *, upgrades: bool = True, **options: Any
) -> AsyncIterator[Served]:
    """Serve a worker's sockets; the options are the HTTP server's.

    Without `upgrades`, or with TLS, Tornado reads and answers all handshakes.
    """
    gate = Gate(worker.engine, PollSessions(worker.engine), (ORIGIN,), admission=admission)
    routes = [(url, each, {"gate": gate, "role": role}) for role in roles.ROLES for url, each in roles.routes(role)]
    application = Application(routes, log_function=lambda handler: None)
    server: HTTPServer
    if upgrades and not options:
        server = Server(application, upgrades=Upgrades(gate, roles.ROLES), counts=False)
    else:
        server = HTTPServer(application, **options)
    server.listen(0, "127.0.0.1")
    served = Served(worker, server)
    yield served
    server.stop()
    for connection in served.connections:
        await connection.close()
    await worker.engine.close()
    await server.close_all_connections()


def upgrade(login: str) -> bytes:
    """Make a student's request for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /students/socket/websocket?access_token={login} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class RawClient:
    """A client that reads only when told to, with a small receive buffer; `first` comes together with its request."""

    def __init__(self, port: int, login: str, first: bytes = b"", *, request: bytes | None = None) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall((upgrade(login) if request is None else request) + first)
        self.socket.setblocking(False)

    async def read_until(self, mark: bytes, data: bytes = b"") -> bytes:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            while mark not in data:
                more = await loop.sock_recv(self.socket, 65536)
                assert more, f"closed after {data[-200:]!r}"
                data += more
        return data

    async def read_all(self) -> bytes:
        """Read until the server closes."""
        data = b""
        async with asyncio.timeout(10):
            while more := await asyncio.get_running_loop().sock_recv(self.socket, 65536):
                data += more
        return data

    async def send(self, *message: object) -> None:
        body = json.dumps(message).encode()
        head = bytes((0x81, 0x80 | len(body))) if len(body) < 126 else b"\x81\xfe" + len(body).to_bytes(2, "big")
        # A mask of zeros leaves the body as it is.
        await self.send_bytes(head + bytes(4) + body)

    async def send_bytes(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def join(self) -> None:
        await self.read_until(b"\r\n\r\n")
        await self.send("1", "1", "class:7", "phx_join", {})
        await self.read_until(b"presence_diff")


async def replies_to(client: RawClient, last: str) -> list[Any]:
    """Read until the reply to that ref has come, and return all replies' refs and payloads."""
    data = await client.read_until(b'"%b","class:7","phx_reply"' % last.encode())
    data = await client.read_until(b"]", data) if data.endswith(b'"phx_reply"') else data
    # The last frame may be incomplete.
    frames = [json.loads(body) for body in unframed(data[data.index(b"\x81") :]) if body.endswith(b"]")]
    return [(frame[1], frame[4]) for frame in frames if frame[3] == "phx_reply"]


def pushes(count: int) -> list[bytes]:
    """Make the frames of a join and `count` messages, with the refs 0, 1, 2 and so on."""
    messages = [["1", str(number), "class:7", "message:send", {"text": "x"}] for number in range(1, count + 1)]
    return [frame(1, json.dumps(each).encode()) for each in [["1", "0", "class:7", "phx_join", {}], *messages]]
