import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from channels.member import Classroom, User
from server.accounts.members import Members
from server.accounts.users import Users
from server.databases import DbSessions, version_of
from server.databases.credentials import hash_secret
from tests.server.conftest import TurnedClock
from tests.server.people import People


@pytest.fixture
def members(sessions: DbSessions, clock: TurnedClock) -> Members:
    return Members(sessions, clock)


async def _sign_ins(users: Users, *logins: str) -> list[bytes]:
    return [hash_secret(token.secret) for token in await users.create_tokens(logins, 30)]


async def test_member_has_the_classes_of_their_enrolments(members: Members, people: People, users: Users) -> None:
    ana, bruno = await people.user("ana", name="Ana Lúcia"), await people.user("bruno")
    paula = await people.user("paula", "teacher")
    first = await people.classroom("6º A · Matemática", ana, bruno, teacher=paula)
    await people.classroom("6º A · História", bruno)
    for login, user in (("ana", User(ana, "Ana Lúcia", "student")), ("paula", User(paula, "Paula", "teacher"))):
        (secret,) = await _sign_ins(users, login)
        member = await members.by_secret(secret)
        assert member is not None
        assert (member.user, member.login) == (user, login)
        assert member.classes == {first: Classroom(first, "6º A · Matemática", students=2)}


async def test_principals_share_one_mapping_of_all_classes_by_title(
    members: Members, people: People, users: Users
) -> None:
    ana = await people.user("ana")
    for title in ("B", "C", "A"):
        await people.classroom(title, ana)
    for login in ("diretora", "vice"):
        await people.user(login, "principal")
    found = [await members.by_secret(secret) for secret in await _sign_ins(users, "diretora", "vice")]
    assert [each.title for each in found[0].classes.values()] == ["A", "B", "C"]  # type: ignore[union-attr]
    assert found[0].classes is found[1].classes  # type: ignore[union-attr]


async def test_reconnecting_needs_no_query(members: Members, people: People, users: Users, queries: list[str]) -> None:
    logins = [f"user{number}" for number in range(30)]
    for login in logins:
        await people.user(login)
    secrets = await _sign_ins(users, *logins)
    queries.clear()
    await asyncio.gather(*map(members.by_secret, secrets))
    cold = len([each for each in queries if each.startswith("SELECT")])
    assert cold <= 4, "the school, its classes, and the sign-ins in one or two batches"
    queries.clear()
    await asyncio.gather(*map(members.by_secret, secrets))
    assert queries == []


async def test_sign_in_read_in_advance_needs_no_query(
    members: Members, sessions: DbSessions, clock: TurnedClock, people: People, users: Users, queries: list[str]
) -> None:
    ana = await people.user("ana", name="Ana Lúcia")
    first, second = await people.classroom("6º A", ana), await people.classroom("6º B", ana)
    ended = await people.classroom("5º A", ana, active=False)
    (secret,) = await _sign_ins(users, "ana")
    found = await Members(sessions, clock).by_secret(secret)
    await members.school()
    await members.read_ahead(alone=True)
    queries.clear()
    assert await members.by_secret(secret) == found
    assert queries == []
    assert found is not None
    assert sorted(found.classes) == [first, second, ended]


async def test_sign_in_read_in_advance_is_given_out_once(members: Members, people: People, users: Users) -> None:
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    await members.school()
    await members.read_ahead(alone=True)
    assert await members.by_secret(secret)
    await users.disable("ana")
    members.forget([ana])
    assert await members.by_secret(secret) is None


@pytest.mark.parametrize("everybody", [True, False])
async def test_sign_in_forgotten_after_advance_reading_is_read_again(
    members: Members, people: People, users: Users, everybody: bool
) -> None:
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    await members.school()
    await members.read_ahead(alone=True)
    await users.disable("ana")
    members.forget(None if everybody else [ana])
    await members.school()
    assert await members.by_secret(secret) is None


async def test_class_changed_after_advance_reading_is_read_again(
    members: Members, people: People, users: Users
) -> None:
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    await members.school()
    await members.read_ahead(alone=True)
    first = await people.classroom("6º A", ana)
    members.forget((), school=True)
    await members.school()
    member = await members.by_secret(secret)
    assert member is not None
    assert list(member.classes) == [first]


async def test_sign_in_read_in_advance_ends_when_it_expires(
    members: Members, people: People, users: Users, clock: TurnedClock
) -> None:
    await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    await members.school()
    await members.read_ahead(alone=True)
    clock.turn(30 * 86_400_000)
    assert await members.by_secret(secret) is None


async def test_sign_in_read_in_advance_beside_other_workers_holds_while_nothing_is_written(
    members: Members, sessions: DbSessions, people: People, users: Users, queries: list[str]
) -> None:
    for login in ("ana", "bruno", "clara", "davi"):
        await people.user(login)
    ana, bruno, clara, davi = await _sign_ins(users, "ana", "bruno", "clara", "davi")
    await members.school()
    await members.read_ahead(alone=False)
    is_file = version_of(sessions) is not None
    queries.clear()
    assert await members.by_secret(ana)
    assert (queries == []) == is_file
    await users.disable("bruno")  # by another worker: nothing is forgotten here yet
    assert await members.by_secret(bruno) is None
    queries.clear()
    assert await members.by_secret(clara)
    assert queries != []
    members.note_unchanged(version_of(sessions))
    queries.clear()
    assert await members.by_secret(davi)
    assert (queries == []) == is_file


async def test_only_the_sign_ins_that_end_last_are_read_in_advance(
    members: Members, people: People, users: Users, queries: list[str]
) -> None:
    for login in ("ana", "bruno"):
        await people.user(login)
    (last,) = [hash_secret(token.secret) for token in await users.create_tokens(["ana"], 31)]
    (first,) = await _sign_ins(users, "bruno")
    await members.school()
    await members.read_ahead(1, alone=True)
    queries.clear()
    assert await members.by_secret(last)
    assert queries == []
    assert await members.by_secret(first)
    assert queries != []


async def test_forgotten_member_is_read_again(members: Members, people: People, users: Users) -> None:
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    assert await members.by_secret(secret)
    await users.disable("ana")
    members.forget([ana + 1])
    assert await members.by_secret(secret), "nobody has said that Ana has changed"
    members.forget([ana])
    assert await members.by_secret(secret) is None


async def test_school_of_before_is_given_while_it_is_read_anew(
    members: Members, people: People, queries: list[str]
) -> None:
    await members.school()
    await people.classroom("Nova")
    fresh = await members.fresh_school()
    queries.clear()
    assert not (await members.school()).classrooms
    members.forget((), school=True, fresh=fresh)
    assert [room.title for room in (await members.school()).classrooms.values()] == ["Nova"]
    assert queries == []


async def test_school_read_before_a_change_is_not_kept_after_it(members: Members, people: People) -> None:
    fresh = await members.fresh_school()
    await people.classroom("Nova")
    members.forget((), school=True)
    members.forget((), school=True, fresh=fresh)
    assert len((await members.school()).classrooms) == 1


async def test_many_who_ask_at_once_read_the_school_once(members: Members, queries: list[str]) -> None:
    queries.clear()
    await asyncio.gather(*(members.school() for _ in range(9)))
    assert len([each for each in queries if "FROM classes" in each]) == 1


async def test_forgetting_everybody_drops_the_classes_too(members: Members, people: People, users: Users) -> None:
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    assert (await members.school()).name == ""
    await people.school("Escola do Bairro")
    first = await people.classroom("6º A", ana)
    members.forget(None)
    member = await members.by_secret(secret)
    assert member is not None
    assert list(member.classes) == [first]
    assert (await members.school()).name == "Escola do Bairro"


class OvertakenMembers(Members):
    """Members whose next read is overtaken: a user is disabled and forgotten after the query's answer."""

    overtaken_by: tuple[Users, str, list[int] | None] | None = None

    async def _read_by_secret(self, hashes: Collection[bytes]) -> Any:
        return await self._overtake(await super()._read_by_secret(hashes))

    async def _read_by_credential(self, ids: Collection[int]) -> Any:
        return await self._overtake(await super()._read_by_credential(ids))

    async def _overtake(self, found: Any) -> Any:
        overtaken, self.overtaken_by = self.overtaken_by, None
        if overtaken:
            users, login, noticed = overtaken
            await users.disable(login)
            self.forget(noticed)
        return found


@pytest.mark.parametrize("everybody", [True, False])
async def test_read_overtaken_by_change_is_discarded(
    sessions: DbSessions, clock: TurnedClock, people: People, users: Users, everybody: bool
) -> None:
    members = OvertakenMembers(sessions, clock)
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    members.overtaken_by = (users, "ana", None if everybody else [ana])
    assert await members.by_secret(secret) is None
    assert await members.by_secret(secret) is None


async def test_change_of_another_user_does_not_discard_a_read(
    sessions: DbSessions, clock: TurnedClock, people: People, users: Users, queries: list[str]
) -> None:
    members = OvertakenMembers(sessions, clock)
    await people.user("ana")
    bruno = await people.user("bruno")
    (secret,) = await _sign_ins(users, "ana")
    members.overtaken_by = (users, "bruno", [bruno])
    queries.clear()
    assert await members.by_secret(secret)
    assert len([each for each in queries if "FROM credentials" in each and each.startswith("SELECT")]) == 1


async def test_renewal_overtaken_by_a_change_is_repeated(
    sessions: DbSessions, clock: TurnedClock, people: People, users: Users
) -> None:
    members = OvertakenMembers(sessions, clock)
    ana = await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    member = await members.by_secret(secret)
    assert member is not None
    members.overtaken_by = (users, "ana", [ana])
    assert await members.by_credential(member.credential_id) is None


async def test_cached_sign_in_ends_when_it_expires(
    members: Members, people: People, users: Users, clock: TurnedClock
) -> None:
    await people.user("ana")
    (secret,) = await _sign_ins(users, "ana")
    assert await members.by_secret(secret)
    clock.turn(30 * 86_400_000 - 1)
    assert await members.by_secret(secret)
    clock.turn(1)
    assert await members.by_secret(secret) is None
    assert await members.by_secret(secret) is None


async def test_least_recently_used_members_are_evicted(
    sessions: DbSessions, clock: TurnedClock, people: People, users: Users, queries: list[str]
) -> None:
    members = Members(sessions, clock, max_kept=2)
    for login in ("ana", "bruno", "carla"):
        await people.user(login)
    ana, bruno, carla = await _sign_ins(users, "ana", "bruno", "carla")
    for secret in (ana, bruno, ana, carla):
        await members.by_secret(secret)
    queries.clear()
    assert await members.by_secret(ana)
    assert await members.by_secret(carla)
    assert queries == []
    assert await members.by_secret(bruno)
    assert queries != []


async def test_ended_class_stays_with_who_was_in_it(members: Members, people: People, users: Users) -> None:
    ana = await people.user("ana")
    ended = await people.classroom("6º A", ana, active=False)
    (secret,) = await _sign_ins(users, "ana")
    for member in (await members.by_secret(secret), await members.by_user(ana)):
        assert member is not None
        assert member.classes == {ended: Classroom(ended, "6º A", ended=True)}
