"""Recognizes what comes twice, because its worker sent it over two Redis; remembers a bounded number of it."""

# What is sent twice in some seconds while a Redis is away. Of more the first half is forgotten, and a repeat of it
# counts as new: durable events are still dropped by their positions.
MAX_REMEMBERED = 20_000


class Repeats:
    """The parcels with a number that have come lately."""

    def __init__(self, max_remembered: int = MAX_REMEMBERED) -> None:
        self._half = max_remembered // 2
        self._new: set[tuple[str, int, str]] = set()
        self._old: set[tuple[str, int, str]] = set()

    def is_repeated(self, worker: str, number: int, topic: str) -> bool:
        """Note a parcel of a worker, and tell whether it has come before."""
        key = (worker, number, topic)
        if key in self._new or key in self._old:
            return True
        self._new.add(key)
        if len(self._new) >= self._half:
            self._old, self._new = self._new, set()
        return False
