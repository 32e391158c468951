"""Workers with small limits: one that serves WebSockets, and some that are polled without HTTP."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.limit import Limits
from channels.transports.poll_session import PollBounds
from tests.channels.transports import polls
from tests.channels.transports.polls import MakeRoom, Place
from tests.channels.transports.sockets import LIMITS, Served, serving


@pytest.fixture
async def served(make_worker: Callable[..., Any]) -> AsyncIterator[Served]:
    async with serving(await make_worker(limits=LIMITS)) as served:
        yield served


@pytest.fixture
async def make_place(make_worker: MakeRoom) -> AsyncIterator[MakeRoom]:
    places: list[Place] = []

    async def make(
        bus: MemoryBus | None = None,
        limits: Limits = polls.LIMITS,
        *,
        periods: dict[str, float] | None = None,
        **bounds: Any,
    ) -> Place:
        places.append(Place(await make_worker(bus, limits=limits), PollBounds(**bounds), periods or {}))
        places[-1].room.start()
        return places[-1]

    yield make
    for place in places:
        await place.room.close()


@pytest.fixture
async def place(make_place: MakeRoom) -> Place:
    made: Place = await make_place()
    return made
