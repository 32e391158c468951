"""An outage of the database is logged once when it begins and once when it ends."""

import logging

import pytest

from channels.errors import JournalUnavailable
from channels.journal.availability import Availability


def test_outage_is_logged_once_when_it_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability("written")
    availability.failed(JournalUnavailable("disk full"))
    availability.failed(JournalUnavailable("disk full"))
    availability.succeeded()
    availability.succeeded()
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, "The journal cannot be written: disk full"),
        (logging.WARNING, "The journal can be written again"),
    ]


def test_second_outage_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability("read")
    for _ in range(2):
        availability.failed(JournalUnavailable("gone"))
        availability.succeeded()
    assert len(caplog.records) == 4


def test_database_that_is_well_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    Availability("read").succeeded()
    assert caplog.records == []
