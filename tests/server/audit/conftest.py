"""Workers whose events are audited."""

from tests.channels.conftest import database, make_worker  # noqa: F401
