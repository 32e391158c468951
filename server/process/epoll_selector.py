"""An `asyncio` selector on epoll that does in few steps what `selectors.EpollSelector` does in many.

    asyncio.SelectorEventLoop(EpollSelector())

It is used in each turn of the event loop, and twice for each new connection. Between two clients that come one after
another the processor has forgotten its code, so each function of it costs several times what it costs in a loop.
"""

import math
import select
from collections.abc import Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, SelectorKey
from typing import Any

# Files that one turn of the event loop may handle; the kernel gives the others in the next turns. All at once, 15,000
# that become readable together would keep the loop from its timers for seconds.
MAX_EVENTS = 1_024

# EPOLLIN and EPOLLOUT, which Python's `select` has on Linux only.
_IN, _OUT = 0x001, 0x004
_MASKS = {EVENT_READ: _IN, EVENT_WRITE: _OUT, EVENT_READ | EVENT_WRITE: _IN | _OUT}


class EpollSelector(BaseSelector):
    """Waits for files that are ready; the same results and errors as `selectors.EpollSelector`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[int, SelectorKey] = {}
        self._map = _Map(self, self._keys)

    def register(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Wait for events of a file from now on.

        Raises ValueError where the file is closed or there are no such events, and KeyError where it is waited for.
        """
        mask, number = _mask(events), _number(fileobj)
        if number in self._keys:
            raise KeyError(f"{fileobj!r} (FD {number}) is already registered")
        self._epoll.register(number, mask)
        key = self._keys[number] = SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> SelectorKey:
        """Wait no more for a file, which may be closed by now; KeyError where nobody waits for it."""
        key = self.get_key(fileobj)
        del self._keys[key.fd]
        try:
            self._epoll.unregister(key.fd)
        except OSError:
            pass  # closed: the kernel has dropped it
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        """Wait for other events of a file; KeyError where nobody waits for it."""
        key = self.get_key(fileobj)
        if events != key.events:
            mask = _mask(events)
            try:
                self._epoll.modify(key.fd, mask)
            except OSError:
                del self._keys[key.fd]
                raise
        key = self._keys[key.fd] = SelectorKey(key.fileobj, key.fd, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Return which files are ready for what, after `timeout` seconds at the latest; None: there is no latest."""
        if timeout is None:
            timeout = -1
        elif timeout > 0:
            timeout = math.ceil(timeout * 1e3) * 1e-3  # epoll counts in ms; not too early, or the loop turns in vain
        else:
            timeout = 0
        ready = []
        for number, event in self._epoll.poll(timeout, MAX_EVENTS):
            key = self._keys.get(number)
            if key is None:  # closed here, and open under another number
                continue
            if event == _IN:
                ready.append((key, EVENT_READ))
            else:
                # After an error or a hang-up a file counts as readable and as writable, so that the next read or write
                # finds out which.
                is_readable, is_writable = event & ~_OUT, event & ~_IN
                events = (EVENT_READ if is_readable else 0) | (EVENT_WRITE if is_writable else 0)
                ready.append((key, events & key.events))
        return ready

    def close(self) -> None:
        """Close epoll's own file."""
        self._epoll.close()
        self._keys.clear()

    def get_key(self, fileobj: Any) -> SelectorKey:
        """Return the key of a file; KeyError where nobody waits for it."""
        key = self.find(fileobj)
        if key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return key

    def find(self, fileobj: Any) -> SelectorKey | None:
        """Return the key of a file; None where nobody waits for it."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys.get(number)
        if key is None and number < 0:  # it has been closed
            key = next((each for each in self._keys.values() if each.fileobj is fileobj), None)
        return key

    def get_map(self) -> Mapping[Any, SelectorKey]:
        """Return the keys by file or file descriptor; `asyncio` looks there from Python 3.12 on."""
        return self._map


class _Map(Mapping[Any, SelectorKey]):
    """The keys of a selector by file or file descriptor."""

    def __init__(self, selector: EpollSelector, keys: Mapping[int, SelectorKey]) -> None:
        self._selector = selector
        self._keys = keys

    def __getitem__(self, fileobj: Any) -> SelectorKey:
        return self._selector.get_key(fileobj)

    def get(self, fileobj: Any, default: Any = None) -> Any:
        """Return the key of a file, without an exception where nobody waits for it."""
        return self._selector.find(fileobj) or default

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _number(fileobj: Any) -> int:
    number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if number < 0:
        raise ValueError(f"Invalid file descriptor: {number}")
    return int(number)


def _mask(events: int) -> int:
    try:
        return _MASKS[events]
    except KeyError:
        raise ValueError(f"Invalid events: {events!r}") from None
