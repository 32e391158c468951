"""The floor in Python: an epoll, and one `send` of the same bytes to each socket. What costs more is a server's own.

It shows what the kernel takes and what the load generator can take in; nobody should serve a school with it. Messages
that have come by one turn of the loop are sent to each client as one buffer.
"""

import base64
import hashlib
import json
import select
import socket
import sys
import time
from collections import defaultdict

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Server:
    """All of it: clients by file descriptor, and by the class that they have joined."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.epoll = select.epoll()
        self.epoll.register(self.listener, select.EPOLLIN)
        self.clients: dict[int, socket.socket] = {}
        self.classes: defaultdict[str, list[socket.socket]] = defaultdict(list)
        self.seq = 0

    def run(self) -> None:
        """Serve until killed."""
        while True:
            broadcasts: defaultdict[str, bytes] = defaultdict(bytes)
            for fd, _ in self.epoll.poll():
                if fd == self.listener.fileno():
                    self._accept()
                else:
                    self._read(fd, broadcasts)
            for topic, together in broadcasts.items():
                for member in self.classes[topic]:
                    member.send(together)

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        head = client.recv(65536)
        if not head:
            client.close()
            return
        key = next(line.split()[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients[client.fileno()] = client
        self.epoll.register(client, select.EPOLLIN)

    def _read(self, fd: int, broadcasts: defaultdict[str, bytes]) -> None:
        """Answer what a client sent, and add what all are to get. The generator's masks are zero, its frames short.

        Nothing here copes with half a frame: a push of the generator always comes whole over the loopback.
        """
        client = self.clients[fd]
        data = client.recv(65536)
        if not data:
            self._forget(client)
        while data:
            length, header = data[1] & 0x7F, 6
            if length == 126:
                length, header = int.from_bytes(data[2:4], "big"), 8
            self._handle(client, data[header : header + length], broadcasts)
            data = data[header + length :]

    def _forget(self, client: socket.socket) -> None:
        self.epoll.unregister(client)
        del self.clients[client.fileno()]
        for topic, members in self.classes.items():
            self.classes[topic] = [member for member in members if member is not client]
        client.close()

    def _handle(self, client: socket.socket, payload: bytes, broadcasts: defaultdict[str, bytes]) -> None:
        join_ref, ref, topic, event, push = json.loads(payload)
        response: dict[str, int] = {}
        if event == "phx_join":
            self.classes[topic].append(client)
        elif event == "message:send":
            self.seq += 1
            response = {"seq": self.seq, "at": time.time_ns() // 1_000_000}
            author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
            broadcasts[topic] += _frame([None, None, topic, "message:sent", {**push, "author": author, **response}])
        client.send(_frame([join_ref, ref, topic, "phx_reply", {"status": "ok", "response": response}]))


def _frame(message: list[object]) -> bytes:
    payload = json.dumps(message).encode()
    size = len(payload)
    return b"\x81" + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")) + payload


if __name__ == "__main__":
    Server(int(sys.argv[1])).run()
