"""Clients that take what they can: each kind meets its bound, and a teacher is answered meanwhile."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.hostile.attackers import KINDS, Attackers, Report
from tests.lousa import Lousa
from tests.phoenix import Connection

# Few, because the tests beside this one need the machine, too; `bench hostile` has twenty.
ATTACKERS = 5
# One of each sort; the others are left to the long run.
SHORT = ("empty parts", "pages", "bodies", "handshakes")
# Those without a bound of their own attack for so long, the others until they meet it.
SECONDS = 1.0
MOST_SECONDS = 30.0
PUSHES = 5
# Beyond what the server uses by itself: each attacker may fill a stream's buffers, on both sides of an answer.
MAX_MEMORY_BYTES = 64 * 1024 * 1024

# What the server does in the end: a close code, or an HTTP status.
FLOODING, BROKEN = 1008, 1002
ENDS = {
    "empty parts": FLOODING,
    "pings": FLOODING,
    "pongs": FLOODING,
    "junk": FLOODING,
    "nested brackets": FLOODING,
    "long frames": FLOODING,
    "byte by byte": None,  # a busy server reads many at once
    "joins": FLOODING,
    "frames of no protocol": BROKEN,
    # A busy server answers these as slowly as the budget allows; test_request_front.py has its end.
    "pages": None,
    "files": None,
    "nowhere": None,
    "polls of nobody": None,
    "long heads": 431,
    "bodies": 200,  # with 410 in its body
    "slow bodies": 200,
    "handshakes of nobody": None,
    "handshakes": None,
    "connections": None,
}


async def talk(lousa: Lousa, token: str) -> int:
    """Send messages as a teacher during an attack; return how many were answered."""
    connection = await Connection.open(lousa.socket_url("teachers", token), lambda *_: None)
    joined = await connection.join("user:me")
    topic = next(each["topic"] for each in joined["topics"] if each["topic"].startswith("class:"))
    await connection.join(topic)
    for number in range(PUSHES):
        await connection.request(topic, "message:send", {"text": f"{number}"})
    connection.close()
    await connection.closed.wait()
    return PUSHES


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in SHORT else pytest.mark.long) for kind in KINDS]
)
async def test_hostile_clients_meet_their_bound(target: Lousa, tokens: dict[str, str], kind: str) -> None:
    path = f"/students/socket/websocket?access_token={tokens['ana']}"
    before = psutil.Process(target.pid).memory_info().rss
    end = ENDS[kind]
    with ThreadPoolExecutor(1) as threads:
        attackers = Attackers(target.port, KINDS[kind], [path] * ATTACKERS)
        attack = threads.submit(attackers.attack, SECONDS if end is None else MOST_SECONDS, end)
        assert await talk(target, tokens["paula"]) == PUSHES
        report: Report = await asyncio.wrap_future(attack)
    grown = psutil.Process(target.pid).memory_info().rss - before
    assert end is None or end in report.codes or end in report.statuses, report
    assert not any(status >= 500 for status in report.statuses), report
    assert grown < MAX_MEMORY_BYTES
