"""One worker of the drill: an engine without sockets, students that send, and a teacher that keeps order.

    python -m tests.faults.rules.worker DATABASE_URLS REDIS_URL NUMBER SENDERS SECONDS

It prints a line when it is ready and one when its clients are done, and after a line on standard input the report.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Collection
from typing import Any

from channels.broker.redis import RedisBroker
from channels.engine.engine import Engine
from channels.journal.journal import Journal
from channels.limit import Limits
from channels.member import Member, User
from channels.roles import ROLES
from channels.sessions.session import Session
from channels.topics.kind import TopicAddress
from channels.wire.codec import JSON
from server.databases import SCHEMAS, Databases
from tests.channels.support import CLASS, GivenAuthority, member, unframed, writer_for

TOPIC = CLASS.topic
# The delay of a page whose push was refused for a moment.
RETRY_SECONDS = 0.05
# Why students' messages are refused here.
REFUSALS = ("locked", "muted", "slow")


class DrilledAuthority(GivenAuthority):
    """Every user is a student of the class."""

    async def audience(
        self, topic: TopicAddress, roles: Collection[str], among: Collection[int]
    ) -> tuple[list[User], int]:
        return [User(user_id, "Ana", "student") for user_id in among], len(among)


class Drilled:
    """One client of the engine: sends a push and waits for its reply."""

    def __init__(self, engine: Engine, who: Member) -> None:
        self._engine = engine
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._ref = 0
        self.session: Session = engine.connect(who, JSON, engine.revision)
        self.session.transport = self

    def flush(self) -> None:
        """Take the session's pending frames."""
        for body in unframed(self.session.take()):
            _, ref, _, event, payload = json.loads(body)
            if event == "phx_reply" and ref in self._replies:
                self._replies.pop(ref).set_result(payload)

    async def ask(self, event: str, payload: dict[str, object]) -> dict[str, Any]:
        """Push and return the reply."""
        self._ref += 1
        ref = str(self._ref)
        reply = self._replies[ref] = asyncio.get_running_loop().create_future()
        work = self._engine.handle(self.session, json.dumps(["1", ref, TOPIC, event, payload]))
        if work is not None:
            await work
        answer: dict[str, Any] = await reply
        return answer


async def write(client: Drilled, name: str, until: float, report: dict[str, Any]) -> None:
    """Send messages one after another; record their acknowledged positions and the number refused."""
    number = 0
    while time.monotonic() < until:
        number += 1
        push_id = f"{name}-{number}"
        while True:
            response = (await client.ask("message:send", {"text": push_id, "id": push_id}))["response"]
            if "seq" in response:
                report["stored"][push_id] = response["seq"]
            elif response["code"] in REFUSALS:
                report["refused"][response["code"]] += 1
            elif "retry_after" in response:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            else:
                raise AssertionError(response)
            break
        await asyncio.sleep(0.002)


async def keep_order(client: Drilled, name: str, until: float, report: dict[str, Any], students: list[int]) -> None:
    """Lock the class, mute the first student of a worker and set slow mode at random moments, each for a moment."""
    number = 0
    while time.monotonic() < until:
        user = {"user": random.choice(students)}
        for begin, end in (
            (("chat:lock", {}), ("chat:unlock", {})),
            (("member:mute", {**user, "minutes": 1}), ("member:unmute", user)),
            (("chat:slow", {"seconds": 1}), ("chat:slow", {"seconds": 0})),
        ):
            for event, payload in (begin, end):
                number += 1
                await push(client, event, {**payload, "id": f"{name}-{number}"})
                report["rules"] += 1
                await asyncio.sleep(random.uniform(0.01, 0.15))


async def push(client: Drilled, event: str, payload: dict[str, Any]) -> None:
    """Push until it is stored, or until another teacher has unmuted the student."""
    while True:
        response = (await client.ask(event, payload))["response"]
        if "seq" in response or response.get("code") == "forbidden":
            return
        await asyncio.sleep(RETRY_SECONDS)


async def main(urls: dict[str, str], redis_url: str, number: int, senders: int, seconds: float) -> None:
    """Run the worker."""
    databases = Databases(urls, {name: SCHEMAS[name] for name in urls})
    database = databases.engine("journal")
    journal = Journal(database, writer_for(database))
    await journal.open()
    broker = RedisBroker(redis_url, prefix=f"lousa:{journal.epoch}:")
    engine = Engine(journal, broker, DrilledAuthority(), ROLES, Limits(push_rate=0))
    engine.start()
    students = [Drilled(engine, member(100 * number + each, "Ana", "student", CLASS)) for each in range(senders)]
    teacher = Drilled(engine, member(100 * number + 99, "Paula", "teacher", CLASS))
    for client in (*students, teacher):
        assert (await client.ask("phx_join", {}))["status"] == "ok"
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    report: dict[str, Any] = {"stored": {}, "refused": dict.fromkeys(REFUSALS, 0), "rules": 0}
    until = time.monotonic() + seconds
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(
        *(write(client, f"w{number}s{each}", until, report) for each, client in enumerate(students)),
        keep_order(teacher, f"w{number}t", until, report, [100 * each for each in range(1, 5)]),
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    report["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print("done", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    # A position past the end makes the worker read the journal before it replies.
    joined = (await teacher.ask("phx_join", {"since": 2**40}))["response"]
    report |= {"seq": joined["seq"], "state": {name: joined["state"][name] for name in ("lock", "slow")}}
    print(json.dumps(report), flush=True)
    await engine.close()
    await databases.dispose()


if __name__ == "__main__":
    _, given, redis, first, second, third = sys.argv
    asyncio.run(main(json.loads(given), redis, int(first), int(second), float(third)))
