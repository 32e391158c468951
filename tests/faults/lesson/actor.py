"""One user of the lesson: pushes until each push is answered, and keeps all that it is sent, as a client does."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from channels.event import Delivery, EventType
from channels.lesson.rules import Role
from channels.wire.codec import Event
from server.asyncapi import TABLES
from tests.carrier import Gone
from tests.faults.lesson.deed import Deed, deeds, payload, place
from tests.phoenix import Connection, ErrorReply, Patience, Payload

RETRY_SECONDS = (0.02, 0.2)
PAUSE_SECONDS = 0.05  # on the average, between two pushes of one user
CHOICE = 4
# How often a user does what leads to a kind of event that it has not seen yet, and how many times at most.
FRESH = 0.7
MAX_TRIES = 8
PATIENCE = Patience(open=5.0, reply=8.0, heartbeat=(3.0, 5.0))
# Codes after which the same push may be stored in a moment; pushes have no rate here, so `too_fast` is an action's own.
AGAIN = ("overloaded", "unavailable")


def durable_events() -> dict[str, EventType[Any]]:
    """Return every durable kind of event that a push of some role leads to, or that some feature folds."""
    pushed = (event for role in TABLES.roles for event in role.emitted())
    folded = (event for feature in TABLES.features for event in feature.events)
    return {event.name: event for event in (*pushed, *folded) if event.delivery is Delivery.DURABLE}


DURABLE = durable_events()


class Answered(NamedTuple):
    """A push that was stored: what, under which id, and the response."""

    event: str
    push_id: str
    response: Payload


class Replica:
    """What a client keeps of one topic: its events, changed as later ones say."""

    def __init__(self) -> None:
        self.events: dict[int, tuple[str, dict[str, Any]]] = {}
        self.position: int | None = None
        self.first = 0  # all after this position have come
        self.gaps: list[str] = []
        self.kinds: set[str] = set()
        self._about: dict[int, set[int]] = {}

    def join(self, response: Payload) -> None:
        """Take the reply to a join."""
        events = [(each["event"], each["payload"]) for each in response["events"]]
        if self.position is None or not response["complete"]:
            self.events.clear()
            self.first = response["seq"]
            for event, given in events:
                self._keep(event, given)
        else:
            for event, given in events:
                self.take(event, given)
        if self.position is not None and response["complete"] and self.position != response["seq"]:
            self.gaps.append(f"a join from {self.position} says {response['seq']}")
        self.position = response["seq"]

    def take(self, event: str, given: dict[str, Any]) -> None:
        """Take one event, in order."""
        if given["seq"] != (self.position or 0) + 1:
            self.gaps.append(f"{event} at {given['seq']} came after {self.position}")
        self.position = given["seq"]
        self._keep(event, given)
        kind = DURABLE[event]
        change = kind.amends or kind.annotates
        if change is not None:
            target = given["target"]
            for seq in {target, *self._about.get(target, ())} - {given["seq"]}:
                if seq in self.events and seq < given["seq"]:
                    self._change(change, event, given, seq)

    def _change(self, change: Any, event: str, given: dict[str, Any], seq: int) -> None:
        earlier, kept = self.events[seq]
        changed = change(_event(event, given), _event(earlier, kept))
        if changed is not None:
            at = {"seq": kept["seq"], "at": kept["at"]}
            self.events[seq] = earlier, msgspec.json.decode(changed, type=dict[str, Any]) | at

    def _keep(self, event: str, given: dict[str, Any]) -> None:
        self.events[given["seq"]] = event, given
        self.kinds.add(event)
        for name in ("target", "reply_to"):
            if isinstance(given.get(name), int):
                self._about.setdefault(given[name], set()).add(given["seq"])


def _event(name: str, given: Mapping[str, Any]) -> Event:
    return Event(given["seq"], name, msgspec.json.encode(given))


class Actor:
    """One user on one device."""

    def __init__(self, login: str, role: Role, url: str, seed: int) -> None:
        self.login = login
        self.role = role
        self.replicas: dict[str, Replica] = {}
        self.answered: list[Answered] = []
        self.refused: Counter[str] = Counter()
        self.complaints: list[str] = []
        self.user: Payload = {}
        self.returned = 0
        self.doing = ""  # the push that is not answered yet, and what happened to it last
        self._url = url
        self._choose = random.Random(f"{seed} {login}")
        self._deeds = deeds(role)
        self._done: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        self._prefix = f"{login}-{seed}"
        self._epoch = ""
        self._connection: Connection | None = None
        self._coming = asyncio.Lock()

    # Being there

    async def here(self) -> Connection:
        """Return a connection that has joined all topics; comes back from its positions."""
        async with self._coming:
            while self._connection is None or self._connection.ended.is_set():
                self.returned += self._connection is not None
                self._connection = None
                try:
                    self._connection = await self._come()
                except Gone:
                    await asyncio.sleep(self._choose.uniform(*RETRY_SECONDS))
                except ErrorReply as error:
                    await self._pause(error)
            return self._connection

    async def _come(self) -> Connection:
        connection = await Connection.open(self._url, self._receive, PATIENCE)
        try:
            me = await self._join(connection, "user:me")
            self.user = me["user"]
            for topic in self._topics(me):
                await self._join(connection, topic)
        except BaseException:
            connection.drop()
            raise
        return connection

    def _topics(self, me: Payload) -> Iterator[str]:
        for entry in me["topics"]:
            if entry["topic"] != "dashboard":
                yield entry["topic"]
            if entry["topic"].startswith("class:") and self.role.is_staff:
                yield f"{entry['topic']}:staff"

    async def _join(self, connection: Connection, topic: str) -> Payload:
        replica = self.replicas.setdefault(topic, Replica())
        since = {} if replica.position is None else {"since": replica.position, "epoch": self._epoch}
        return await connection.join(topic, since, partial(self._joined, replica))

    def _joined(self, replica: Replica, response: Payload) -> None:
        self._epoch = response["epoch"]
        replica.join(response)

    def _receive(self, topic: str, event: str, given: Payload) -> None:
        if event in DURABLE and topic in self.replicas:
            self.replicas[topic].take(event, given)
        elif event in ("phx_close", "phx_error"):
            self.complaints.append(f"{self.login} was put out of {topic} by {event}")

    async def follow_to(self, ends: Mapping[str, int]) -> None:
        """Wait until all that is stored has come."""
        while any((self.replicas[topic].position or 0) < ends.get(topic, 0) for topic in self.replicas):
            await self.here()
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            self._connection.close()
            try:
                await asyncio.wait_for(self._connection.closed.wait(), 5)
            except TimeoutError:
                self._connection.drop()

    # Acting

    async def act(self, until: float, users: list[int]) -> None:
        """Push one thing after another until a time, each until it is answered."""
        number = 0
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(self._choose.expovariate(1 / PAUSE_SECONDS))
            deed = self._next()
            self._done[deed.action.event] += 1
            await self._push(deed, f"{self._prefix}-{number}", users)
            number += 1

    def _next(self) -> Deed:
        fresh = [each for each in self._deeds if self._is_fresh(each)]
        if fresh and self._choose.random() < FRESH:
            self._choose.shuffle(fresh)
            return min(fresh, key=lambda each: self._tried[each.action.event])
        # Of some at random the one that was done least, so that rare ones happen in a short lesson, too.
        return min(self._choose.sample(self._deeds, CHOICE), key=lambda each: self._done[each.action.event])

    def _is_fresh(self, deed: Deed) -> bool:
        leads_to = {event.name for event in deed.action.emits if event.delivery is Delivery.DURABLE}
        seen = (replica.kinds for replica in self.replicas.values())
        return self._tried[deed.action.event] < MAX_TRIES and bool(leads_to.difference(*seen))

    async def _push(self, deed: Deed, push_id: str, users: list[int]) -> None:
        topic = self._choose.choice(self._topics_of(deed) or [""])
        if not topic:
            return
        a_class = self._choose.choice([each for each in self.replicas if each.count(":") == 1 and "class:" in each])
        given = payload(deed, push_id, self._choose, self.replicas[place(deed, topic)].events, users, a_class)
        if given.get("target") == 0:
            return  # there is nothing yet that it could be about
        self._tried[deed.action.event] += 1
        while True:
            try:
                response = await (await self.here()).request(topic, deed.action.event, given)
            except Gone as gone:
                self.doing = f"{topic} {deed.action.event} {given}: {gone}"
                continue
            except ErrorReply as error:
                if error.response["code"] in (*AGAIN, "unmatched_topic"):
                    self.doing = f"{topic} {deed.action.event} {given}: {error}"
                    await self._pause(error)
                    continue
                self.doing = ""
                self.refused[f"{error.response['code']} {deed.action.event}"] += 1
                return
            self.doing = ""
            self.answered.append(Answered(deed.action.event, push_id, response))
            return

    def _topics_of(self, deed: Deed) -> list[str]:
        matching = {"class": lambda topic: topic.count(":") == 1, "staff": lambda topic: topic.count(":") == 2}
        fits = matching.get(deed.topic)
        if fits is None:
            return [topic for topic in self.replicas if topic == deed.topic]
        return [topic for topic in self.replicas if topic.startswith("class:") and fits(topic)]

    async def _pause(self, error: ErrorReply) -> None:
        code = error.response["code"]
        if code not in (*AGAIN, "unmatched_topic"):
            self.complaints.append(f"{self.login} was answered {error}")
        await asyncio.sleep(error.response.get("retry_after", 100) / 1000)
