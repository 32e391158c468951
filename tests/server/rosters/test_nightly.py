"""The roster that the server pulls by itself, by a clock that the tests set."""

from collections.abc import AsyncIterator
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from server.accounts.refusals import UserError
from server.accounts.school_hours import set_hours
from server.databases import Databases, reading, writing
from server.databases.accounts import Account, School
from server.databases.imports import Import
from server.rosters import apply, undo
from server.rosters.imports import STALE_MS, State, newest
from server.rosters.nightly import ATTEMPTS, NightlyPulls
from server.rosters.provider import Access
from server.rosters.pulling import Pulling
from server.rosters.uploads import Uploads
from tests.server.conftest import TurnedClock
from tests.server.rosters.exports import Files, Read, export_11
from tests.server.rosters.here import here
from tests.server.rosters.rest_provider import TOKEN, RestProvider, lists_of
from tests.server.rosters.test_merge import rows, with_more

ZONE = "America/Sao_Paulo"


class Nights:
    """A server with several workers, a provider, and the clock of both."""

    def __init__(self, databases: Databases, provider: RestProvider, folder: Path, clock: TurnedClock) -> None:
        access = Access(f"{provider.url}/v1p1", "bearer", "", TOKEN)
        self.provider = provider
        self.sessions = databases.sessions("accounts")
        self.clock = clock
        self._access = access
        self.workers = [Uploads(databases, folder / f"rosters{number}", take=here) for number in range(2)]
        self.pulls: list[NightlyPulls] = []
        self.pull_at(time(3, 30))

    def pull_at(self, hour: time) -> None:
        """Pull at another hour."""
        pulling = Pulling(self._access, hour)
        self.pulls = [NightlyPulls(self.sessions, each.apart, pulling, self.clock) for each in self.workers]

    async def at(self, *when: int, zone: str = ZONE) -> list[Import]:
        """Let all workers look at a local time, wait for what they have begun, and return all imports, newest first."""
        self.clock.now = int(datetime(*when, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc, arg-type]
        for pulls in self.pulls:
            await pulls.check()
        return await self.ended()

    async def ended(self) -> list[Import]:
        """Wait for what the workers have begun, and return all imports."""
        for each in self.workers:
            await each.apart.finished()
        async with reading(self.sessions) as db:
            return await newest(db)

    async def apply_by_hand(self, import_id: int) -> None:
        """Apply what waits, as the office does."""
        await self.workers[0].apply(import_id, None)
        await self.workers[0].apart.finished()


@pytest.fixture
async def provider() -> AsyncIterator[RestProvider]:
    """Return a provider whose lists a test changes."""
    provider = RestProvider(export_11(), page=1_000)
    yield provider
    await provider.stop()


@pytest.fixture
async def nights(
    databases: Databases, provider: RestProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Nights]:
    """Return the server."""
    clock = TurnedClock()
    monkeypatch.setattr("server.rosters.imports.now_ms", clock)
    monkeypatch.setattr("server.rosters.nightly.now_ms", clock)
    nights = Nights(databases, provider, tmp_path, clock)
    async with writing(nights.sessions) as db:
        db.add(School(sourced_id="o1", name="Escola do Vale"))
    await set_hours(nights.sessions, zone=ZONE)
    yield nights
    for each in nights.workers:
        await each.close()


def gives(nights: Nights, files: Files) -> None:
    """Let the provider have another school from now on."""
    nights.provider.lists = lists_of(files)


async def test_first_pull_waits_then_each_night_is_applied_once(nights: Nights) -> None:
    (first,) = await nights.at(2027, 3, 1, 9, 0)
    assert (first.source, first.name, first.state) == ("pull", "127.0.0.1", State.READY)
    await nights.apply_by_hand(first.id)
    assert len(await nights.at(2027, 3, 2, 3, 29)) == 1
    gives(nights, with_more(export_11(), 2))
    second, _ = await nights.at(2027, 3, 2, 3, 30)
    assert (second.state, second.user_id) == (State.APPLIED, None)
    assert len(await nights.at(2027, 3, 2, 23, 59)) == 2
    third, *_ = await nights.at(2027, 3, 3, 8, 0)
    assert (third.state, third.applied_at) == (State.APPLIED, None), "nothing has changed"
    state = await nights.pulls[1].state()
    assert state is not None
    assert state.next_at == int(datetime(2027, 3, 4, 3, 30, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


async def test_half_of_a_school_is_refused_and_waits(nights: Nights, read: Read) -> None:
    await apply(nights.sessions, read(with_more(export_11(), 20)))
    gives(nights, with_more(export_11(), 20))
    (first, *_) = await nights.at(2027, 3, 1, 9, 0)
    await nights.apply_by_hand(first.id)
    gives(nights, export_11())
    before = await rows(nights.sessions, Account.active)
    second, *_ = await nights.at(2027, 3, 2, 4, 0)
    assert second.state == State.READY
    assert await rows(nights.sessions, Account.active) == before


async def test_pull_is_not_applied_by_itself_after_an_undo(nights: Nights) -> None:
    (first,) = await nights.at(2027, 3, 1, 9, 0)
    await nights.apply_by_hand(first.id)
    await undo(nights.sessions, first.id)
    second, *_ = await nights.at(2027, 3, 2, 4, 0)
    assert second.state == State.READY


async def test_provider_that_fails_is_refused_until_the_next_night(nights: Nights) -> None:
    nights.provider.lists["users"] = []
    (first,) = await nights.at(2027, 3, 1, 9, 0)
    assert first.state == State.REFUSED
    assert len(await nights.at(2027, 3, 1, 10, 0)) == 1
    gives(nights, export_11())
    second, _ = await nights.at(2027, 3, 2, 4, 0)
    assert second.state == State.READY


async def test_pull_that_dies_with_its_worker_is_begun_again(nights: Nights) -> None:
    (first,) = await nights.at(2027, 3, 1, 9, 0)
    for attempt in range(1, ATTEMPTS + 2):
        async with writing(nights.sessions) as db:
            await db.execute(
                update(Import).values(state=State.CHECKING, result=None, moved_at=nights.clock.now - STALE_MS - 1)
            )
        found = await nights.at(2027, 3, 1, 9, attempt)
        assert len(found) == min(attempt + 1, ATTEMPTS)
    assert first.id


async def test_office_pulls_at_any_time_and_applies_itself(nights: Nights) -> None:
    first = await nights.pulls[0].pull(7)
    with pytest.raises(UserError, match="already"):
        await nights.pulls[1].pull(7)
    (row,) = await nights.ended()
    assert (row.id, row.state, row.user_id) == (first, State.READY, 7)
    second = await nights.pulls[1].pull(7)
    found = {row.id: row.state for row in await nights.ended()}
    assert found == {first: State.DISCARDED, second: State.READY}, "the newer one is in the place of the other"


@pytest.mark.parametrize(("month", "days"), [(3, (27, 28, 29)), (10, (30, 31))], ids=["skipped", "repeated"])
async def test_hour_that_the_clocks_skip_or_repeat_is_pulled_once(
    nights: Nights, month: int, days: tuple[int, ...]
) -> None:
    await set_hours(nights.sessions, zone="Europe/Lisbon")
    nights.pull_at(time(1, 30))
    counts = [
        len(await nights.at(2027, month, day, hour, 0, zone="Europe/Lisbon")) for day in days for hour in (1, 3, 12)
    ]
    begun = [after - before for before, after in zip([0, *counts], counts, strict=False)]
    assert begun == [1, 1, 0, *([0, 1, 0] * (len(days) - 1))]
