"""Tells systemd how the service is (sd_notify(3)): that it serves, that it lives, that it stops.

Each message is one datagram to the socket that `NOTIFY_SOCKET` names; without that variable there is nobody to tell.
Written here, because the protocol is these few lines, and the libraries for it are bindings to C or unmaintained.
"""

import os
import socket

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"


def notify(*states: str) -> None:
    """Send states to the service manager, if there is one; never blocks, and never raises."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return
    # An @ stands for the zero byte of a socket without a file.
    address = f"\0{name[1:]}" if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(states).encode(), address)
    except OSError:
        pass  # systemd restarts what it does not hear of
