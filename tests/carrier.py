"""The transport of a test client: a WebSocket (`tests.websocket`) or long-polling (`tests.poll`).

A test can also drop it without a close frame, or leave it half open: it seems connected but passes no data.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

# Called with each frame, in order; and once, with the close code or None, when the other side closes.
OnFrame = Callable[[bytes], None]
OnEnd = Callable[[int | None], None]


class Gone(Exception):
    """The connection ended, or could not be opened, before the reply arrived."""


class Refused(Gone):
    """The connection could not be opened; `status` is the server's HTTP status, None without an answer."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class Carrier(Protocol):
    """One connection. After the client has closed it no callback runs; `gone` is set when it is fully closed.

    `code`: the server's close code, if it closed the connection.
    """

    code: int | None
    gone: asyncio.Event

    def send(self, frame: bytes) -> None:
        """Send a frame; does nothing on a closed connection."""

    def close(self) -> None:
        """Close the connection in good order."""

    def drop(self) -> None:
        """Abort the connection without a close frame."""

    def cut(self) -> None:
        """Stop all data in both directions; neither side is notified."""
