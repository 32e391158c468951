import pytest
from sqlalchemy import select

from channels.member import Classroom, User
from channels.topics.kind import SCHOOL, parse_name
from server.accounts.accounts import Accounts
from server.accounts.browser_sign_in import SIGN_IN_MS
from server.accounts.refusals import SignInRefused
from server.accounts.users import Users
from server.clock import DAY
from server.databases import DbSessions, reading
from server.databases.accounts import Change, Credential, Failure
from tests.server.accounts.conftest import HERE, PASSWORD
from tests.server.conftest import TurnedClock
from tests.server.people import People


async def test_signing_out_ends_sign_in_and_notes_change(accounts: Accounts, ana: int, sessions: DbSessions) -> None:
    first, second = [await accounts.local.sign_in("ana", PASSWORD, HERE) for _ in range(2)]
    member = await accounts.authenticate(first)
    assert member is not None
    await accounts.sign_out(first)
    assert await accounts.authenticate(first) is None
    assert await accounts.renew(member) is None
    assert await accounts.authenticate(second)
    assert accounts.changed.is_set()
    async with reading(sessions) as session:
        assert list(await session.scalars(select(Change.user_id))) == [ana]


async def test_signing_out_with_an_unknown_secret_is_no_error(accounts: Accounts, sessions: DbSessions) -> None:
    await accounts.sign_out("nonsense")
    async with reading(sessions) as session:
        assert list(await session.scalars(select(Change))) == []


async def test_sign_in_expires_after_thirty_days_without_use(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    clock.turn(SIGN_IN_MS - 1)
    assert await accounts.authenticate(secret)
    clock.turn(1)
    assert await accounts.authenticate(secret) is None


async def test_daily_pages_extend_a_sign_in_with_daily_writes(
    accounts: Accounts, ana: int, clock: TurnedClock, queries: list[str]
) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    queries.clear()
    cookies = 0
    for _ in range(80 * 12):
        clock.turn(DAY // 12)
        assert await accounts.authenticate(secret)
        cookies += accounts.extend(secret)
        await accounts.store_extensions()
    writes = [each for each in queries if each.startswith("UPDATE")]
    assert 73 <= cookies == len(writes) <= 80
    clock.turn(SIGN_IN_MS)
    assert await accounts.authenticate(secret) is None
    assert not accounts.extend(secret)


async def test_open_connection_extends_a_sign_in(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    member = await accounts.authenticate(secret)
    assert member is not None
    for _ in range(60):
        clock.turn(DAY)
        await accounts.extend_connected([member.credential_id])
        await accounts.tidy()
        renewed = await accounts.renew(member)
        assert renewed is not None
        assert renewed.credential_id == member.credential_id
    assert await accounts.authenticate(secret)
    assert accounts.extend(secret), "the cookie is older than a day"


async def test_another_worker_learns_that_a_sign_in_was_extended(
    accounts: Accounts, ana: int, clock: TurnedClock, sessions: DbSessions
) -> None:
    other = Accounts(sessions, clock)
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    assert await other.authenticate(secret)
    clock.turn(SIGN_IN_MS - 1)
    assert await accounts.authenticate(secret)
    assert accounts.extend(secret)
    await accounts.store_extensions()
    clock.turn(1)
    assert await other.authenticate(secret)
    other.close()


async def test_expiry_of_a_token_is_never_extended(
    accounts: Accounts, ana: int, users: Users, clock: TurnedClock
) -> None:
    (token,) = await users.create_tokens(["ana"], 30)
    member = await accounts.authenticate(token.secret)
    assert member is not None
    clock.turn(20 * DAY)
    assert not accounts.extend(token.secret)
    await accounts.extend_connected([member.credential_id])
    clock.turn(10 * DAY)
    assert await accounts.authenticate(token.secret) is None


async def test_ended_sign_in_is_not_extended(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    clock.turn(2 * DAY)
    assert await accounts.authenticate(secret)
    assert accounts.extend(secret)
    await accounts.sign_out(secret)
    await accounts.store_extensions()
    assert await accounts.authenticate(secret) is None


async def test_cleanup_deletes_expired_rows_and_notes_their_users(
    accounts: Accounts, ana: int, clock: TurnedClock, sessions: DbSessions
) -> None:
    with pytest.raises(SignInRefused):
        await accounts.local.sign_in("ana", "wrong-one", HERE)
    await accounts.local.sign_in("ana", PASSWORD, HERE)
    clock.turn(SIGN_IN_MS)
    kept = await accounts.local.sign_in("ana", PASSWORD, HERE)
    last = await accounts.newest_change()
    await accounts.tidy()
    assert (await accounts.changes_after(last)).users == {ana}
    assert await accounts.authenticate(kept)
    async with reading(sessions) as session:
        assert len(list(await session.scalars(select(Credential)))) == 1
        assert [each.until > clock() for each in await session.scalars(select(Failure))] == [True]


async def test_classmates_are_teachers_then_students_sorted_by_name(accounts: Accounts, people: People) -> None:
    names = ["Zélia", "alice", "Álvaro", "Bruno"]
    students = [await people.user(name.lower(), name=name) for name in names]
    paula = await people.user("paula", "teacher")
    first = await people.classroom("6º A", *students, teacher=paula)
    empty = await people.classroom("6º B")
    assert [user.name for user in await accounts.classmates(first)] == ["Paula", "alice", "Álvaro", "Bruno", "Zélia"]
    assert await accounts.teachers([first, empty]) == {first: [User(paula, "Paula", "teacher")], empty: []}
    assert list((await accounts.classrooms()).values()) == [Classroom(first, "6º A", 4), Classroom(empty, "6º B", 0)]


async def test_the_school_has_a_name(accounts: Accounts, people: People) -> None:
    await people.school("Escola do Bairro")
    assert await accounts.school_name() == "Escola do Bairro"


async def test_audience_of_a_topic_has_members_and_a_size(accounts: Accounts, people: People) -> None:
    ana, bruno = await people.user("ana"), await people.user("bruno")
    paula = await people.user("paula", "teacher")
    diretora = await people.user("diretora", "principal")
    first = await people.classroom("6º A", ana, bruno, teacher=paula)

    async def audience(topic: str, *roles: str) -> tuple[list[int], int]:
        users, members = await accounts.audience(parse_name(topic), roles, [diretora, paula, bruno, 999, ana])
        return [user.id for user in users], members

    assert await audience(f"class:{first}", "student") == ([bruno, ana], 2)
    assert await audience("class:999", "student") == ([], 0)
    assert await audience("role:students", "student") == ([bruno, ana], 2)
    assert await audience("role:teachers", "teacher") == ([paula], 1)
    assert await audience("school", "student", "teacher") == ([paula, bruno, ana], 3)


async def test_absent_are_the_rest_of_the_audience_by_name(accounts: Accounts, people: People) -> None:
    names = {name: await people.user(name) for name in ("zilda", "álvaro", "bruno", "ana", "carla")}
    paula = await people.user("paula", "teacher")
    first = await people.classroom("6º A", *(names[name] for name in names if name != "carla"), teacher=paula)

    async def absent(topic: str, *roles: str, limit: int = 10) -> list[int]:
        return [user.id for user in await accounts.absent(parse_name(topic), roles, [names["bruno"]], limit)]

    in_class = [names["álvaro"], names["ana"], names["zilda"]]
    assert await absent(f"class:{first}", "student") == in_class
    assert await absent(f"class:{first}", "student", limit=2) == in_class[:2]
    assert await absent("role:students", "student") == [*in_class[:2], names["carla"], names["zilda"]]
    assert await absent("school", "teacher") == [paula]


async def test_people_of_several_topics_come_once_by_name(
    accounts: Accounts, people: People, users: Users, clock: TurnedClock
) -> None:
    ana, bruno, zilda = [await people.user(name) for name in ("ana", "bruno", "zilda")]
    paula = await people.user("paula", "teacher")
    first = await people.classroom("6º A", ana, zilda, teacher=paula)
    second = await people.classroom("6º B", ana, bruno)
    await users.create_tokens(["ana"], 30)
    one, other, school = [parse_name(name) for name in (f"class:{first}", f"class:{second}", "school")]
    found = await accounts.people({other: ["student"], one: ["student"]})
    assert [(each.user.id, each.is_signed_in) for each in found] == [(ana, True), (bruno, False), (zilda, False)]
    assert [each.topic for each in found][1:] == [f"class:{second}", f"class:{first}"]
    everybody = await accounts.people({school: ["student", "teacher"]})
    assert [each.user.id for each in everybody] == [ana, bruno, paula, zilda]
    clock.turn(31 * DAY)
    assert not any(each.is_signed_in for each in await accounts.people({one: ["student"]}))


async def test_member_who_is_not_connected_is_read_by_id(accounts: Accounts, people: People, users: Users) -> None:
    paula = await people.user("paula", "teacher")
    first = await people.classroom("6º A", teacher=paula)
    member = await accounts.member(paula)
    assert member is not None
    assert (member.user, list(member.classes)) == (User(paula, "Paula", "teacher"), [first])
    await users.disable("paula")
    assert await accounts.member(paula) is None
    assert await accounts.member(999) is None


async def test_audience_query_may_exceed_the_parameters_of_one_statement(accounts: Accounts, people: People) -> None:
    ana = await people.user("ana")
    users, _ = await accounts.audience(SCHOOL.address(), ["student"], [*range(1_000_000, 1_040_000), ana])
    assert [user.id for user in users] == [ana]
