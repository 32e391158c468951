"""Rosters from REST providers, also from those that misbehave by seed."""

from collections.abc import AsyncIterator, Callable

import pytest

from server.databases import DbSessions, reading, writing
from server.rosters import RosterErrors
from server.rosters.imports import BY_COMMAND, State, begin, find
from server.rosters.provider import Access
from server.rosters.pull import from_provider
from server.rosters.work import check, problems_of
from tests.server.rosters.exports import TODAY, Files, Read, export_11, export_12
from tests.server.rosters.rest_provider import FAULTS, KEY, PASSING, SECRET, TOKEN, RestProvider
from tests.server.rosters.test_merge import everything

Serve = Callable[..., RestProvider]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that runs a provider."""
    running: list[RestProvider] = []

    def start(files: Files, fault: str = "", seed: int = 0) -> RestProvider:
        running.append(RestProvider(files, fault, seed))
        return running[-1]

    yield start
    for each in running:
        await each.stop()


def access(provider: RestProvider, kind: str = "bearer") -> Access:
    secret = TOKEN if kind == "bearer" else SECRET
    return Access(f"{provider.url}/v1p1", kind, KEY, secret, f"{provider.url}/token")  # type: ignore[arg-type]


def told(_done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize("kind", ["oauth1", "oauth2", "bearer"])
@pytest.mark.parametrize("export", [export_11, export_12], ids=["1.1", "1.2"])
async def test_provider_gives_what_its_export_has(
    serve: Serve, read: Read, kind: str, export: Callable[[], Files]
) -> None:
    roster = await from_provider(access(serve(export()), kind))(TODAY, told)
    expected = read(export())
    assert (roster.version, roster.school.name) == (expected.version, expected.school.name)
    assert [(each.login, each.name, each.role) for each in roster.users] == [
        (each.login, each.name, each.role) for each in expected.users
    ]
    assert list(roster.classes) == list(expected.classes)
    assert list(roster.enrolments) == list(expected.enrolments)


@pytest.mark.parametrize("fault", PASSING)
async def test_whole_school_comes_in_spite_of_what_passes(serve: Serve, read: Read, fault: str) -> None:
    provider = serve(export_11(), fault, seed=1)
    roster = await from_provider(access(provider, "oauth2"), wait_seconds=0.0)(TODAY, told)
    assert len(roster.enrolments) == len(read(export_11()).enrolments)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_not_whole_is_refused_and_changes_nothing(
    serve: Serve, sessions: DbSessions, fault: str, seed: int
) -> None:
    before = await everything(sessions)
    async with writing(sessions) as db:
        import_id = await begin(db, BY_COMMAND, State.CHECKING)
    provider = serve(export_11(), fault, seed)
    assert await check(sessions, import_id, from_provider(access(provider), wait_seconds=0.0)) == State.REFUSED
    async with reading(sessions) as db:
        problem = str(problems_of(await find(db, import_id)).problems[0])
    assert problem.startswith("127.0.0.1 ")
    assert not any(secret in problem for secret in (TOKEN, SECRET, "Ana"))
    assert await everything(sessions) == before


async def test_provider_that_is_away_is_refused(serve: Serve) -> None:
    provider = serve(export_11())
    await provider.stop()
    with pytest.raises(RosterErrors, match="cannot be reached"):
        await from_provider(access(provider))(TODAY, told)


def test_secret_is_not_shown_with_the_access() -> None:
    assert SECRET not in repr(Access("https://sis.example", "oauth1", KEY, SECRET))
