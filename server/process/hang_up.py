"""What SIGHUP means: a new start, or the end of the terminal in which the server was started.

A service manager and an administrator send it for a new start. The kernel sends it when a terminal is closed; a server
that went on without its terminal would keep the port, and nobody would see it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable


def on_hang_up(start_again: Callable[[], object], stop: Callable[[], object]) -> None:
    """Handle SIGHUP from now on; where it is ignored, as under nohup, it stays so."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop if _has_terminal() else start_again)


def _has_terminal() -> bool:
    try:
        return os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ is not None else False
    except (OSError, ValueError):  # it is closed
        return False
