"""The table of peers: that each can be started at all."""

from pathlib import Path

import pytest

from bench.install import NEEDS, PEERS_FOLDER
from bench.peer import BARE_SOCKETS, PEERS, PLAIN_TORNADO, SOCKETIO_REDIS, Peer

ALL = [*PEERS, SOCKETIO_REDIS]


@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.name)
def test_its_program_is_there_and_what_it_needs_is_known(peer: Peer, tmp_path: Path) -> None:
    assert peer.needs in NEEDS
    command = peer.command(20_000, tmp_path, "redis://127.0.0.1:1/0" if peer.redis else "")
    own = [Path(part) for part in command if part.startswith(str(PEERS_FOLDER))]
    assert all(path.exists() for path in own)
    assert own or peer in (PLAIN_TORNADO, BARE_SOCKETS) or (tmp_path / "nginx.conf").exists()


def test_each_has_a_name_of_its_own() -> None:
    assert len({peer.name for peer in ALL}) == len(ALL)
