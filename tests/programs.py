"""What every program that tests start needs: a free port, and a clear word when the program is not there."""

import random
import shutil
import socket


class ProgramMissing(AssertionError):
    """A test needs a program that this machine lacks. That is a failure: what was not tested does not pass."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(f"this test needs `{name}`: run `make test` as root, or apt-get install {package}")


def program(name: str, package: str | None = None) -> str:
    """Return where a program stands; raise `ProgramMissing`, naming Debian's package, where it does not."""
    found = shutil.which(name)
    if found is None:
        raise ProgramMissing(name, package or name)
    return found


def free_port() -> int:
    """Return a loopback port that nobody listens on.

    It lies below the ports that the kernel gives to outgoing connections. Above, a client that keeps trying while its
    server is down is in the end given that very port to connect from, and so connects to itself.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port among a hundred tried")
