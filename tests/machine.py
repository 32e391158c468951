"""A network of several machines on this one: network namespaces whose lines go to one bridge, and lose what they shall.

    this machine 10.213.7.1 --- bridge ---+--- veth --- 10.213.7.2, a namespace: nft drops packets here
                                          +--- veth --- 10.213.7.3, another one

Programs of this machine that the others use listen at `HERE` (PostgreSQL, Redis). Needs root, `ip` and `nft`.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.programs import program

_NETWORK = "10.213.7"
_BRIDGE = "lousa-bridge"
HERE = f"{_NETWORK}.1"
_TABLE = "lousa"


class Machine:
    """One namespace; `inside` are the words before a command that runs in it."""

    def __init__(self, number: int) -> None:
        self.name = f"lousa-machine-{number}"
        self.address = f"{_NETWORK}.{number + 1}"
        self._ip, self._nft = program("ip", "iproute2"), program("nft", "nftables")
        self._line = f"lousa-line-{number}"
        self.inside = [self._ip, "netns", "exec", self.name]

    def make(self) -> None:
        """Make the namespace and its line."""
        _call(self._ip, "netns", "add", self.name)
        _call(self._ip, "link", "add", self._line, "type", "veth", "peer", "name", "line", "netns", self.name)
        _call(self._ip, "link", "set", self._line, "master", _BRIDGE, "up")
        _call(*self.inside, self._ip, "addr", "add", f"{self.address}/24", "dev", "line")
        for device in ("line", "lo"):
            _call(*self.inside, self._ip, "link", "set", device, "up")

    def drop(self, *, sent: Sequence[str] = (), received: Sequence[str] = ()) -> None:
        """Drop the packets that one of these nft expressions matches, and no others any more."""
        chains = [_chain("output", sent), _chain("input", received)]
        rules = [f"add table ip {_TABLE}", f"delete table ip {_TABLE}", f"table ip {_TABLE} {{", *chains, "}"]
        with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
            file.write("\n".join(rules) + "\n")
            file.flush()
            _call(*self.inside, self._nft, "-f", file.name)

    def lose(self, percent: int) -> None:
        """Lose so many of its packets at random, each way."""
        chance = f"numgen random mod 100 < {percent}"
        self.drop(sent=[chance], received=[chance])

    def remove(self) -> None:
        """Remove the namespace with its line."""
        subprocess.run([self._ip, "netns", "del", self.name], check=False, capture_output=True)


def _chain(hook: str, expressions: Sequence[str]) -> str:
    drops = " ".join(f"{each} drop;" for each in expressions)
    return f"chain {hook} {{ type filter hook {hook} priority 0; {drops} }}"


@contextmanager
def machines(count: int) -> Iterator[list[Machine]]:
    """Make so many machines; one test at a time does."""
    assert os.geteuid() == 0, "only root may make a network namespace"
    found = [Machine(number) for number in range(1, count + 1)]
    with ExitStack() as stack:
        lock = stack.enter_context((Path(tempfile.gettempdir()) / "lousa-machines.lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        stack.enter_context(_bridge(program("ip", "iproute2")))
        for machine in found:
            stack.callback(machine.remove)
            machine.make()
        yield found


@contextmanager
def _bridge(ip: str) -> Iterator[None]:
    try:
        _call(ip, "link", "add", _BRIDGE, "type", "bridge")
        _call(ip, "addr", "add", f"{HERE}/24", "dev", _BRIDGE)
        _call(ip, "link", "set", _BRIDGE, "up")
        yield
    finally:
        subprocess.run([ip, "link", "del", _BRIDGE], check=False, capture_output=True)


def _call(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
