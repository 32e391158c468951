"""The unchanged PyPI package `phoenix-channels-python-client`, through its public interface.

It joins with an empty payload and does not expose the reply, so the test passes it the topic, and it reads missed
events with `history:read`. In version 2 of the protocol it drops every broadcast, because broadcasts have no join_ref.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from phoenix_channels_python_client import PHXChannelsClient, ReconnectPolicy
from phoenix_channels_python_client.exceptions import PHXConnectionError, PHXTopicError
from phoenix_channels_python_client.utils import make_message

from tests.crew import until
from tests.interop.poller import Poller
from tests.lousa import Lousa

pytestmark = pytest.mark.interop

# Reconnect at once: by default the client waits two seconds or more.
_AT_ONCE = ReconnectPolicy(base_delay_s=0, rapid_first_min_delay_s=0, rapid_second_min_delay_s=0)


class Listener:
    """A client in a class that receives messages, pushes, and keeps its position."""

    def __init__(self, server: Lousa, token: str, topic: str, version: str) -> None:
        self.topic = topic
        self.received: list[str] = []
        self.events: list[str] = []
        self.replies: dict[str, dict[str, Any]] = {}
        self.position = 0
        self.client = PHXChannelsClient(
            f"{server.url.replace('http', 'ws')}/students/socket/websocket",
            "none",
            protocol_version=version,
            additional_headers={"Authorization": f"Bearer {token}"},
            reconnect_policy=_AT_ONCE,
            on_reconnect=self.catch_up,
        )

    async def join(self) -> None:
        await self.client.subscribe_to_topic(self.topic, self._receive)

    async def _receive(self, message: Any) -> None:
        self.events.append(str(message.event))
        if str(message.event) == "phx_reply":
            self.replies[message.ref] = message.payload
        if str(message.event) == "message:sent":
            self._take(message.payload)

    def _take(self, payload: dict[str, Any]) -> None:
        if payload["seq"] > self.position:  # otherwise it also came live during `history:read`
            self.position = payload["seq"]
            self.received.append(payload["text"])

    async def ask(self, event: str, payload: dict[str, Any]) -> Any:
        """Push an event and return the response."""
        ref = uuid4().hex
        join_ref = self.client.get_current_subscriptions()[self.topic].join_ref
        message = make_message(event, self.topic, ref, payload, join_ref)
        await self.client.get_protocol_handler().send_message(self.client.connection, message)
        await until(lambda: ref in self.replies)
        return self.replies[ref]["response"]

    async def catch_up(self) -> None:
        """Read the messages missed while disconnected."""
        missed = await self.ask("history:read", {"after": self.position, "event": "message:sent"})
        for event in missed["events"]:
            self._take(event["payload"])


@pytest.fixture
def bruno(lousa: Lousa, tokens: dict[str, str]) -> Iterator[Poller]:
    """Connect a classmate by long-polling."""
    with closing(Poller(lousa.url, "students", access_token=tokens["bruno"])) as poller:
        poller.open()
        yield poller


@pytest.fixture
def topic(bruno: Poller) -> str:
    """Return the class's topic, which Bruno has joined."""
    topic = bruno.class_topic()
    bruno.join(topic)
    return topic


Say = Callable[[str], Any]


@pytest.fixture
def say(bruno: Poller, topic: str) -> Say:
    """Return a coroutine function that sends a message as Bruno."""
    return lambda text: asyncio.to_thread(bruno.push, topic, "message:send", {"text": text})


async def test_client_sends_receives_and_reads_missed_messages(
    lousa: Lousa, tokens: dict[str, str], topic: str, bruno: Poller, say: Say
) -> None:
    ana = Listener(lousa, tokens["ana"], topic, "1.0")
    async with ana.client:
        await ana.join()
        await say("Oi, Ana!")
        await until(lambda: ana.received == ["Oi, Ana!"])
        seq = (await ana.ask("message:send", {"id": uuid4().hex, "text": "Oi, Bruno!"}))["seq"]
        assert bruno.wait_for(lambda frame: frame[4].get("text") == "Oi, Bruno!")[4]["seq"] == seq
        await until(lambda: ana.received == ["Oi, Ana!", "Oi, Bruno!"])
        assert "presence_state" in ana.events

        refusal = await ana.ask("message:send", {"text": ""})
        assert refusal["code"] == "bad_payload"

        ana.client.connection.transport.abort()
        await say("Você está aí?")
        await until(lambda: ana.received[2:] == ["Você está aí?"])
        await say("Até amanhã.")
        await until(lambda: ana.received[3:] == ["Até amanhã."])
        await ana.client.unsubscribe_from_topic(topic)


async def test_version_two_client_receives_replies_but_drops_broadcasts(
    lousa: Lousa, tokens: dict[str, str], topic: str, say: Say
) -> None:
    ana = Listener(lousa, tokens["ana"], topic, "2.0")
    async with ana.client:
        await ana.join()
        await say("Oi, Ana!")
        read = await ana.ask("history:read", {"before": 2**50, "limit": 1})
        assert read["events"][0]["payload"]["text"] == "Oi, Ana!"
        # If this fails, the client has changed, and docs/clients.md need no longer recommend version 1.
        assert "message:sent" not in ana.events


async def test_join_of_a_forbidden_topic_is_refused(lousa: Lousa, tokens: dict[str, str]) -> None:
    ana = Listener(lousa, tokens["ana"], "class:999999", "1.0")
    async with ana.client:
        with pytest.raises(PHXTopicError, match="forbidden"):
            await ana.join()


async def test_client_gives_up_after_an_invalid_token(lousa: Lousa) -> None:
    with pytest.raises(PHXConnectionError, match="403"):
        await Listener(lousa, "no-such-token", "class:1", "1.0").client.__aenter__()
