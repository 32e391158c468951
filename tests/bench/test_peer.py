"""The table of peers: each has a program and known requirements."""

from pathlib import Path

import pytest

from bench.install import NEEDS, PEERS_FOLDER
from bench.peer import BARE_SOCKETS, PEERS, PLAIN_TORNADO, SOCKETIO_REDIS, Peer

ALL = [*PEERS, SOCKETIO_REDIS]


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.name)
def test_program_exists_and_its_needs_are_known(peer: Peer, tmp_path: Path) -> None:
    assert peer.needs in NEEDS
    command = peer.command(20_000, tmp_path, "redis://127.0.0.1:1/0" if peer.redis else "")
    own = [Path(part) for part in command if part.startswith(str(PEERS_FOLDER))]
    assert all(path.exists() for path in own)
    configured = any((tmp_path / name).exists() for name in ("nginx.conf", "centrifugo.json"))
    assert own or peer in (PLAIN_TORNADO, BARE_SOCKETS) or configured


def test_names_are_unique() -> None:
    assert len({peer.name for peer in ALL}) == len(ALL)
