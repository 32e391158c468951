"""What a broker is: it carries what one worker publishes to the other workers' hubs, and promises nothing.

The journal is the truth. A broker may lose, repeat or reorder envelopes; hubs put durable events in order by their
positions and read what is missing. `broker_memory` serves one process, where there is nobody else to tell.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message for a topic on other workers: a durable event, or, with `seq` 0, an ephemeral one.

    `payload` is JSON, except in the topic of the workers themselves (`channels.cluster.presence_sync`).
    """

    topic: str
    event: str
    payload: bytes
    seq: int = 0


Deliver = Callable[[Sequence[Envelope]], None]
Resubscribed = Callable[[Collection[str]], None]
Unheard = Callable[[str], None]


class Broker(Protocol):
    """Fan-out between workers.

    `check_seconds` is how often the hub has to ask the journal what got lost; None where nothing can be.
    """

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the next question; it may change from one to the next."""

    @property
    def connected(self) -> bool:
        """Tell whether the other workers are reached now."""

    async def start(self, deliver: Deliver, resubscribed: Resubscribed, unheard: Unheard) -> None:
        """Begin to hand over, in the event loop, what other workers publish; never what this one does.

        `resubscribed` is told which topics are heard from now on: what they got before has to be looked up. `unheard`
        is told of a topic to which something was published and nobody at all has asked for it.
        """

    async def close(self) -> None:
        """Stop handing over."""

    def subscribe(self, topic: str) -> None:
        """Ask for a topic's envelopes from now on."""

    def unsubscribe(self, topic: str) -> None:
        """Ask for no more of them."""

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send what one turn of the event loop has made to every other worker that asked for its topics."""
