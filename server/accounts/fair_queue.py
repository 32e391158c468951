"""A few places for many who wait: known browsers first, then each address in turn, and of each address each account.

However many one address sends, others wait for one of them at most each time; however many accounts an address tries,
each of its users waits like any other.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple


class QueueFull(Exception):
    """Too many wait already."""


class Client(NamedTuple):
    """Who waits; `is_known` where the browser has signed in to this account before."""

    address: str = ""
    account: str = ""
    is_known: bool = False


NOBODY = Client()

_Waiter = asyncio.Future[None]


class FairQueue:
    """At most `places` clients at once, and at most `max_waiting` others of each kind: known ones and strangers."""

    def __init__(self, places: int, max_waiting: int) -> None:
        self._free = places
        self._known = _Lane(max_waiting)
        self._strangers = _Lane(max_waiting)

    @asynccontextmanager
    async def place(self, client: Client) -> AsyncIterator[None]:
        """Wait for a place; raise QueueFull when there are too many, also later, for others who wait with fewer."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(client)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, client: Client) -> None:
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        (self._known if client.is_known else self._strangers).add(client, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.exception() is None:
                self._pass_on()  # it had got its place already
            raise

    def _pass_on(self) -> None:
        """Give a place that is free to the next, if anybody waits."""
        waiter = self._known.next() or self._strangers.next()
        if waiter is None:
            self._free += 1
        else:
            waiter.set_result(None)


class _Lane:
    """Those who wait, by address and account, each in the order of their turns."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._addresses: OrderedDict[str, OrderedDict[str, deque[_Waiter]]] = OrderedDict()
        self._counts: dict[str, int] = {}

    def add(self, client: Client, waiter: _Waiter) -> None:
        """Append one; past the bound the newest of the address with the most makes room, or this one is refused."""
        if sum(self._counts.values()) >= self._most:
            self._make_room(client.address)
        accounts = self._addresses.setdefault(client.address, OrderedDict())
        accounts.setdefault(client.account, deque()).append(waiter)
        self._counts[client.address] = self._counts.get(client.address, 0) + 1

    def next(self) -> _Waiter | None:
        """Take the next whose client has not given up."""
        while self._addresses:
            address = next(iter(self._addresses))
            account = next(iter(self._addresses[address]))
            waiter = self._take(address, account, newest=False)
            if address in self._addresses:
                self._addresses.move_to_end(address)
                if account in self._addresses[address]:
                    self._addresses[address].move_to_end(account)
            if not waiter.done():
                return waiter
        return None

    def _make_room(self, address: str) -> None:
        largest = max(self._counts, key=lambda each: self._counts[each])
        if self._counts[largest] <= self._counts.get(address, 0) + 1:
            raise QueueFull
        waiter = self._take(largest, next(reversed(self._addresses[largest])), newest=True)
        if not waiter.done():
            waiter.set_exception(QueueFull())

    def _take(self, address: str, account: str, *, newest: bool) -> _Waiter:
        waiters = self._addresses[address][account]
        waiter = waiters.pop() if newest else waiters.popleft()
        self._counts[address] -= 1
        if not waiters:
            del self._addresses[address][account]
        if not self._addresses[address]:
            del self._addresses[address], self._counts[address]
        return waiter
