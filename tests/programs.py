"""Helpers to start programs in tests: find a free port, and fail clearly if a program is missing."""

import random
import shutil
import socket


class ProgramMissing(AssertionError):
    """A test needs a program that this machine lacks: a failure, not a skip."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(f"this test needs `{name}`: run `make test` as root, or apt-get install {package}")


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program; raises `ProgramMissing`, which names the Debian package."""
    found = shutil.which(name)
    if found is None:
        raise ProgramMissing(name, package or name)
    return found


def free_port() -> int:
    """Return a free loopback port.

    It lies below the kernel's ephemeral ports. Within that range, a client that retries while its server is down could
    be assigned that same port as its own and connect to itself.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        if is_free(port):
            return port
    raise RuntimeError("no free port among a hundred tried")


def is_free(port: int) -> bool:
    """Return whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
