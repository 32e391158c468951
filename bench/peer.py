"""The peers: servers with the same fan-out, built with common alternatives. One table, `PEERS`."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.dialect import Centrifugo, Dialect, Nchan, Phoenix, SocketIO
from bench.install import CENTRIFUGO_PROGRAM, NODE_MODULES, PEERS_FOLDER, PEERS_PYTHON

Command = Callable[[int, Path, str], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer; `command` takes a port, a scratch folder and the URL of its Redis, if it has one.

    `needs` names what has to be installed first, in `bench.install.NEEDS`.
    """

    name: str
    dialect: Dialect
    command: Command
    needs: str = ""
    redis: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def _ours(module: str) -> Command:
    """Run a module of `bench.peers` in the project's own environment."""
    return lambda port, folder, redis: [sys.executable, "-m", f"bench.peers.{module}", str(port)]


def _python(script: str) -> Command:
    """Run a script in the peers' environment; `-I`, so that nothing of ours is imported in place of a library."""
    path = str(PEERS_FOLDER / script)
    return lambda port, folder, redis: [str(PEERS_PYTHON), "-I", path, str(port), *([redis] if redis else [])]


def _node(script: str) -> Command:
    path = str(PEERS_FOLDER / script)
    return lambda port, folder, redis: ["node", path, str(port), *([redis] if redis else [])]


def _nchan(port: int, folder: Path, redis: str) -> list[str]:
    text = (PEERS_FOLDER / "nchan.conf").read_text()
    configuration = folder / "nginx.conf"
    configuration.write_text(text.replace("PORT", str(port)).replace("FOLDER", str(folder)))
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]


def _centrifugo(port: int, folder: Path, redis: str) -> list[str]:
    configuration = folder / "centrifugo.json"
    configuration.write_text((PEERS_FOLDER / "centrifugo.json").read_text().replace('"PORT"', str(port)))
    return [str(CENTRIFUGO_PROGRAM), "--config", str(configuration)]


_MODULES = {"NODE_PATH": str(NODE_MODULES)}

PLAIN_TORNADO = Peer("plain Tornado", Phoenix(), _ours("tornado_plain"))
BARE_SOCKETS = Peer("bare sockets", Phoenix(), _ours("bare_sockets"))
BROADCAST = Peer("websockets.broadcast", Phoenix(), _python("websockets_broadcast.py"), "python")
PYTHON_SOCKETIO = Peer("python-socketio", SocketIO(), _python("python_socketio.py"), "python")
DJANGO = Peer("Django Channels, in memory", Phoenix(), _python("django_channels.py"), "python")
DJANGO_REDIS = Peer("Django Channels, Redis", Phoenix(), _python("django_channels.py"), "python", redis=True)
WS = Peer("ws", Phoenix(), _node("ws.cjs"), "node", environment=_MODULES)
SOCKETIO = Peer("Socket.IO", SocketIO(), _node("socketio.cjs"), "node", environment=_MODULES)
SOCKETIO_REDIS = Peer(
    "Socket.IO, 2 processes and Redis", SocketIO(), _node("socketio.cjs"), "node", redis=True, environment=_MODULES
)
UWEBSOCKETS = Peer("uWebSockets.js", Phoenix(), _node("uwebsockets.cjs"), "node", environment=_MODULES)
NCHAN = Peer("Nchan", Nchan(), _nchan, "nchan")
CENTRIFUGO = Peer("Centrifugo", Centrifugo(), _centrifugo, "centrifugo")

# All peers with one server process, like Lousa in the benchmarks on one core.
PEERS = [
    PLAIN_TORNADO,
    BARE_SOCKETS,
    BROADCAST,
    PYTHON_SOCKETIO,
    DJANGO,
    DJANGO_REDIS,
    WS,
    SOCKETIO,
    UWEBSOCKETS,
    NCHAN,
    CENTRIFUGO,
]
