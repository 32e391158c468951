"""What carries a client's frames in tests: a WebSocket (`tests.websocket`) or long-polling (`tests.poll`).

Either can be treated badly: ended without a word, or cut half open, so that it seems to stand and carries nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

# Called with each frame, in order; and once with the close code, or None without one, when the other side ended it.
OnFrame = Callable[[bytes], None]
OnEnd = Callable[[int | None], None]


class Gone(Exception):
    """The connection ended, or did not come about, before what was asked for was answered."""


class Refused(Gone):
    """The connection did not come about; `status` is what the server answered, None where it did not."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class Carrier(Protocol):
    """One connection. Once the client has ended it nothing more of it is seen; `gone` is set when it is over.

    `code`: with which the server closed it, if it did.
    """

    code: int | None
    gone: asyncio.Event

    def send(self, frame: bytes) -> None:
        """Send a frame; nothing happens where the connection is gone."""

    def close(self) -> None:
        """Say goodbye, and end the connection."""

    def drop(self) -> None:
        """End the connection without a word."""

    def cut(self) -> None:
        """Let nothing pass any more, in either direction; neither side is told."""
