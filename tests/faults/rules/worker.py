"""One worker of the drill: an engine without sockets, students that send, and a teacher that locks and unlocks.

    python -m tests.faults.rules.worker JOURNAL_URL ACCOUNTS_URL REDIS_URL NUMBER SENDERS SECONDS

It prints a line when it is ready and one when its clients are done, and after a line on standard input the report.
"""

import asyncio
import json
import random
import resource
import sys
import time
from typing import Any

from channels.broker.redis import RedisBroker
from channels.engine.engine import Engine
from channels.journal.journal import Journal
from channels.limit import Limits
from channels.member import Member
from channels.roles import ROLES
from channels.sessions.session import Session
from channels.wire.codec import JSON
from server.databases import SCHEMAS, Databases
from tests.channels.support import CLASS, GivenAuthority, member, unframed, writer_for

TOPIC = CLASS.topic
# The delay of a page whose push was refused for a moment.
RETRY_SECONDS = 0.05


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
            elif response["code"] == "locked":
                report["refused"] += 1
            elif "retry_after" in response:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            else:
                raise AssertionError(response)
            break
        await asyncio.sleep(0.002)


async def lock(client: Drilled, name: str, until: float, report: dict[str, Any]) -> None:
    """Lock and unlock the class at random moments."""
    number = 0
    while time.monotonic() < until:
        for event in ("chat:lock", "chat:unlock"):
            number += 1
            response = (await client.ask(event, {"id": f"{name}-{number}"}))["response"]
            while "seq" not in response:
                await asyncio.sleep(RETRY_SECONDS)
                response = (await client.ask(event, {"id": f"{name}-{number}"}))["response"]
            report["locks"] += 1
            await asyncio.sleep(random.uniform(0.01, 0.15))


async def main(journal_url: str, accounts_url: str, redis_url: str, number: int, senders: int, seconds: float) -> None:
    """Run the worker."""
    urls = {"journal": journal_url, "accounts": accounts_url}
    databases = Databases(urls, {name: SCHEMAS[name] for name in urls})
    database = databases.engine("journal")
    journal = Journal(database, writer_for(database))
    await journal.open()
    broker = RedisBroker(redis_url, prefix=f"lousa:{journal.epoch}:")
    engine = Engine(journal, broker, GivenAuthority(), ROLES, Limits(push_rate=0))
    engine.start()
    students = [Drilled(engine, member(100 * number + each, "Ana", "student", CLASS)) for each in range(senders)]
    teacher = Drilled(engine, member(100 * number + 99, "Paula", "teacher", CLASS))
    for client in (*students, teacher):
        assert (await client.ask("phx_join", {}))["status"] == "ok"
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    report: dict[str, Any] = {"stored": {}, "refused": 0, "locks": 0}
    until = time.monotonic() + seconds
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(
        *(write(client, f"w{number}s{each}", until, report) for each, client in enumerate(students)),
        lock(teacher, f"w{number}t", until, report),
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    report["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print("done", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    # A position past the end makes the worker read the journal before it replies.
    joined = (await teacher.ask("phx_join", {"since": 2**40}))["response"]
    report |= {"seq": joined["seq"], "lock": joined["state"]["lock"]}
    print(json.dumps(report), flush=True)
    await engine.close()
    await databases.dispose()


if __name__ == "__main__":
    _, *urls, first, second, third = sys.argv
    asyncio.run(main(urls[0], urls[1], urls[2], int(first), int(second), float(third)))
