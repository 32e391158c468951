"""A worker that serves WebSockets, with small bounds."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.channels.transports.sockets import LIMITS, Served, serving


@pytest.fixture
async def served(make_worker: Callable[..., Any]) -> AsyncIterator[Served]:
    async with serving(await make_worker(limits=LIMITS)) as served:
        yield served
