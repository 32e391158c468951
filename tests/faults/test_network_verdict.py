"""What judges a bad network sees what pages were shown, and the network does what it says: what passes is believed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.carrier import Gone, Refused
from tests.exchange import Lost, exchange
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.verdict import Verdict, judge
from tests.faults.diary import Acknowledged, Diary, Joined, Received, Sent
from tests.faults.network.fault import FAULTS, Fate
from tests.faults.network.page import Page
from tests.faults.network.proxy import Proxy
from tests.faults.network.stock import Seen, StockClient

TOPIC = "class:1"
LINES = [  # of a page that sees everything: a message live, one on return, one of its own
    {"is": "classes", "topics": [TOPIC]},
    {"is": "state", "status": "online", "transport": "websocket"},
    {"is": "joined", "since": None, "seq": 0, "seqs": []},
    {"is": "received", "seq": 1},
    {"is": "joined", "since": 1, "seq": 2, "seqs": [2]},
    {"is": "sent", "id": "ana-3", "text": "olá"},
    {"is": "received", "seq": 3},
    {"is": "acknowledged", "id": "ana-3", "seq": 3},
]


def message(seq: int) -> dict[str, Any]:
    return {"seq": seq, "id": f"ana-{seq}", "author": {"name": "Ana Silva"}, "text": "olá"}


async def shown(*lines: dict[str, Any]) -> tuple[Page, Verdict]:
    """Let a page tell these lines, and judge it together with ana's own device, which saw everything."""
    page = Page("ana", "http://x", "token", Timeline(), 1, 1.0)
    for line in lines:
        full = {"topic": TOPIC, "epoch": "e", "complete": True, **line} if line["is"] == "joined" else {**line}
        if line["is"] in ("joined", "received", "sent", "acknowledged"):
            full["topic"] = TOPIC
        if line["is"] == "joined":
            full["messages"] = [message(seq) for seq in full.pop("seqs")]
        if line["is"] == "received":
            full["message"] = message(full.pop("seq"))
        page._take(full)
    other = Diary("ana", [Joined(None, "e", 0, True, [])])
    other.entries += [Sent(f"ana-{seq}", "olá") for seq in (1, 2, 3)]
    other.entries += [Received(message) for message in _messages(1, 2, 3)]
    other.entries += [Acknowledged(f"ana-{seq}", seq) for seq in (1, 2, 3)]
    return page, judge({TOPIC: [page.diaries[TOPIC], other]}, {TOPIC: 0}, {TOPIC: 3})
