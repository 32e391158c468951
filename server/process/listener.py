"""Opens the sockets that the server listens on, and returns the address to type into a browser.

Several workers listen on one address, each on a socket of its own (SO_REUSEPORT); the kernel distributes new
connections among the sockets.
"""

import errno
import resource
from socket import AF_INET6, SO_SNDBUF, SOL_SOCKET, gaierror, socket

from tornado.netutil import bind_sockets

from server.settings import Settings, SettingsError, read_address

# Backlog of connections to accept when a whole school reconnects at once (the kernel's own limit is 4096).
BACKLOG = 4096

# The kernel's send buffer for one client that does not read (about twice as much with its bookkeeping). The default
# grows to 4 MiB, and all connections share one limit: past it, clients that do read would wait too.
SEND_BUFFER_BYTES = 128 * 1024


def allow_connections() -> None:
    """Raise the limit of open files, and so of connections, as far as the system allows, also for child processes.

    The usual soft limit of 1024 exists for programs that use select(2); a process may raise it up to the hard limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(settings: Settings, workers: int = 1) -> list[list[socket]]:
    """Listen on the settings' address; return a list of sockets per worker. Raise SettingsError if that fails."""
    try:
        if workers == 1:
            return [_bind(settings.port, settings.host)]
        return _listen_together(settings, workers)
    except gaierror as error:
        raise SettingsError(f"--host {settings.host} is not an address of this machine ({error.strerror}).") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(
                f"--host {settings.host} is not an address of this machine: give one of its own, "
                "127.0.0.1 for this machine only, or 0.0.0.0 for all of them."
            ) from error
        raise SettingsError(
            f"Cannot listen on port {settings.port} of {settings.host} ({error.strerror}). "
            "Another program may have it, perhaps another Lousa: choose another with --port."
        ) from error


def listen_for_metrics(settings: Settings, *, shared: bool) -> list[socket]:
    """Listen on the address for /metrics, if there is one; raise SettingsError if that fails.

    Each worker does so for itself, `shared` with the others: a scrape that a worker's death loses is no loss.
    """
    if settings.metrics_address is None:
        return []
    host, port = read_address(settings.metrics_address)
    try:
        return bind_sockets(port, host, reuse_port=shared)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on port {port} of {host} for /metrics ({error.strerror}): choose another --metrics-address."
        ) from error


def _listen_together(settings: Settings, workers: int) -> list[list[socket]]:
    # Bound alone first: SO_REUSEPORT would share the port with another Lousa, too.
    alone = _bind(settings.port, settings.host)
    port = alone[0].getsockname()[1]
    close(alone)
    return [_bind(port, settings.host, shared=True) for _ in range(workers)]


def _bind(port: int, host: str, *, shared: bool = False) -> list[socket]:
    sockets = bind_sockets(port, host, backlog=BACKLOG, reuse_port=shared)
    for each in sockets:
        each.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)  # inherited by accepted sockets
    return sockets


def close(sockets: list[socket]) -> None:
    """Close this process's copies. Connections waiting in a socket are lost when no other process has a copy."""
    for each in sockets:
        each.close()


def address(host: str, sockets: list[socket]) -> str:
    """Return the URL to type into a browser on this machine."""
    anywhere = host in ("", "0.0.0.0", "::")  # noqa: S104 (compared, not bound)
    name = "localhost" if anywhere or host == "localhost" else host
    port = sockets[0].getsockname()[1]
    return f"http://[{name}]:{port}" if sockets[0].family == AF_INET6 and ":" in name else f"http://{name}:{port}"
