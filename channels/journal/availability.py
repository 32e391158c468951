"""Whether the journal's database can be used, said in the log once when that changes."""

import logging
import math
import time

from channels.errors import JournalUnavailable

log = logging.getLogger(__name__)


class Availability:
    """Logs the beginning and the end of an outage, not each of the thousands of operations that fail in between.

    `what` is "read" or "written": a full disk can still be read.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_away = False
        self._failed_at = -math.inf

    @property
    def is_away(self) -> bool:
        """Tell whether the last operation found it away."""
        return self._is_away

    def failed_within(self, seconds: float) -> bool:
        """Tell whether an operation has found it away in the last `seconds`, and none has succeeded since."""
        return self._is_away and time.monotonic() - self._failed_at < seconds

    def failed(self, error: JournalUnavailable) -> None:
        """Note that an operation found the database away."""
        if not self._is_away:
            log.error("The journal cannot be %s: %s", self._what, error)
        self._is_away = True
        self._failed_at = time.monotonic()

    def succeeded(self) -> None:
        """Note that an operation succeeded."""
        if self._is_away:
            log.warning("The journal can be %s again", self._what)
        self._is_away = False
