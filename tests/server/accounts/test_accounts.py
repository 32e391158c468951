import asyncio

import pytest
from sqlalchemy import select, update

from channels.member import Classroom, User
from channels.topics.kind import SCHOOL, parse_name
from server.accounts.accounts import MAX_SIGN_INS, SIGN_IN_MS, Accounts
from server.accounts.identifiers import CODE_DAYS, normal_login
from server.accounts.refusals import PasswordRefused, SignInRefused
from server.accounts.throttle import ACCOUNT_FAILURES, ADDRESS_FAILURES
from server.accounts.users import Users
from server.clock import DAY
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Change, Credential, Failure
from server.databases.credentials import hash_secret
from tests.server.conftest import TurnedClock, quick_passwords
from tests.server.people import People

HERE = "127.0.0.1"
PASSWORD = "lousa-demo"


@pytest.fixture
async def ana(people: People, users: Users) -> int:
    ana = await people.user("ana")
    await users.set_password("ana", PASSWORD)
    return ana


async def _refusal(accounts: Accounts, login: str, password: str) -> SignInRefused:
    with pytest.raises(SignInRefused) as refusal:
        await accounts.sign_in(login, password, HERE)
    return refusal.value


async def test_sign_in_returns_a_secret_that_identifies_the_user(accounts: Accounts, ana: int) -> None:
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
    member = await accounts.authenticate(secret)
    assert member is not None
    assert member.user == User(ana, "Ana", "student")
    assert await accounts.renew(member) == member


@pytest.mark.parametrize("typed", ["ANA", "  Ana ", "ana\n"])
async def test_login_ignores_case_and_surrounding_blanks(accounts: Accounts, ana: int, typed: str) -> None:
    assert await accounts.authenticate(await accounts.sign_in(typed, PASSWORD, HERE))


async def test_the_database_stores_no_usable_secret(accounts: Accounts, ana: int, sessions: DbSessions) -> None:
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
    async with reading(sessions) as session:
        (credential,) = await session.scalars(select(Credential))
        (account,) = await session.scalars(select(Account))
    assert credential.secret_hash == hash_secret(secret)
    assert PASSWORD not in (account.password_hash or "")


async def test_unknown_login_is_answered_like_a_wrong_password(accounts: Accounts, ana: int) -> None:
    refusals = [await _refusal(accounts, login, "wrong-one") for login in ("ana", "nobody", "", "a\0", "\ud800")]
    assert {refusal.reason for refusal in refusals} == {"wrong"}


async def test_empty_password_fails_for_user_without_password(accounts: Accounts, people: People) -> None:
    await people.user("bruno")
    assert (await _refusal(accounts, "bruno", "")).reason == "wrong"


async def test_disabled_or_ended_user_cannot_sign_in(
    accounts: Accounts, ana: int, users: Users, sessions: DbSessions
) -> None:
    await users.disable("ana")
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"
    await users.enable("ana")
    assert await accounts.sign_in("ana", PASSWORD, HERE)
    async with writing(sessions) as session:
        await session.execute(update(Account).values(active=False))
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"


async def test_role_of_the_schools_provider_cannot_use_a_password(
    sessions: DbSessions, ana: int, users: Users, clock: TurnedClock
) -> None:
    await users.create("paula", "Paula", "teacher", PASSWORD)
    accounts = Accounts(sessions, clock, passwords=quick_passwords(), local_roles={"teacher"})
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "elsewhere"
    assert (await _refusal(accounts, "ana", "wrong-one")).reason == "wrong"
    assert await accounts.sign_in("paula", PASSWORD, HERE)
    accounts.close()


async def test_throttled_account_admits_strangers_after_patience(
    accounts: Accounts, ana: int, clock: TurnedClock
) -> None:
    for _ in range(ACCOUNT_FAILURES):
        assert (await _refusal(accounts, "ana", "wrong-one")).reason == "wrong"
    refusal = await _refusal(accounts, "ana", PASSWORD)
    assert (refusal.reason, refusal.retry_after) == ("throttled", 15)
    assert await accounts.patience("ana", HERE, ticket=refusal.ticket) == (15, refusal.ticket)
    clock.turn(15_000)
    assert await accounts.patience("ana", HERE, ticket=refusal.ticket) == (0, refusal.ticket)
    assert await accounts.sign_in("ana", PASSWORD, HERE, ticket=refusal.ticket)
    assert await accounts.patience("ana", HERE) == (0, "")


async def test_made_up_names_do_not_keep_a_school_out(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    known = await accounts.remember_browser("", "ana")
    for number in range(ADDRESS_FAILURES):
        await accounts._throttle.count(f"nobody{number}", HERE)
    assert await accounts.sign_in("ana", PASSWORD, HERE, known=known)
    seconds, ticket = await accounts.patience("ana", HERE)
    assert seconds == 5
    clock.turn(5_000)
    assert await accounts.sign_in("ana", PASSWORD, HERE, ticket=ticket)


async def test_known_browser_gets_in_while_others_guess(
    accounts: Accounts, ana: int, users: Users, clock: TurnedClock
) -> None:
    known = await accounts.remember_browser("", "ana")
    for _ in range(ACCOUNT_FAILURES):
        await _refusal(accounts, "ana", "wrong-one")
    assert await accounts.patience("ana", HERE, known=known) == (0, "")
    assert await accounts.sign_in("ana", PASSWORD, HERE, known=known)
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "throttled", "a stranger still waits"
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.sign_in("ana", "wrong-one", HERE, known=known)
    await users.set_password("ana", "another-one")
    assert (await accounts.patience("ana", HERE, known=known))[0] > 0


async def test_right_password_waits_for_few_of_many_guesses(accounts: Accounts, ana: int) -> None:
    known = await accounts.remember_browser("", "ana")
    done: list[str] = []

    async def sign_in(name: str, password: str, address: str, known: str = "") -> None:
        try:
            await accounts.sign_in(name, password, address, known=known)
        except SignInRefused:
            pass
        done.append(name)

    guesses = [sign_in(f"nobody{number}", "wrong-one", HERE) for number in range(60)]
    await asyncio.gather(*guesses, sign_in("ana", PASSWORD, HERE, known))
    assert done.index("ana") < 30


async def test_an_unknown_login_is_throttled_like_a_known_one(accounts: Accounts) -> None:
    reasons = [(await _refusal(accounts, "nobody", "wrong-one")).reason for _ in range(ACCOUNT_FAILURES + 1)]
    assert reasons == ["wrong"] * ACCOUNT_FAILURES + ["throttled"]


async def test_successful_sign_ins_are_not_throttled(accounts: Accounts, ana: int) -> None:
    for _ in range(ACCOUNT_FAILURES + 1):
        await accounts.sign_in("ana", PASSWORD, HERE)


async def test_a_sign_in_whose_password_changed_meanwhile_is_refused(
    accounts: Accounts, ana: int, users: Users
) -> None:
    verify = accounts._passwords.verify

    async def verify_slowly(stored: str | None, given: str) -> bool:
        right = await verify(stored, given)
        await users.set_password("ana", "another-one")
        return right

    accounts._passwords.verify = verify_slowly  # type: ignore[method-assign]
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"


async def test_signing_out_ends_sign_in_and_notes_change(accounts: Accounts, ana: int, sessions: DbSessions) -> None:
    first, second = [await accounts.sign_in("ana", PASSWORD, HERE) for _ in range(2)]
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


async def test_ids_of_ended_sign_ins_are_never_reused(accounts: Accounts, ana: int) -> None:
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
    old = await accounts.authenticate(secret)
    assert old is not None
    await accounts.sign_out(secret)
    await accounts.sign_in("ana", PASSWORD, HERE)
    assert await accounts.renew(old) is None


async def test_only_the_newest_sign_ins_of_a_user_are_kept(accounts: Accounts, ana: int) -> None:
    secrets = [await accounts.sign_in("ana", PASSWORD, HERE) for _ in range(MAX_SIGN_INS + 2)]
    found = [await accounts.authenticate(secret) for secret in secrets]
    assert [member is None for member in found] == [True, True] + [False] * MAX_SIGN_INS


async def test_sign_in_expires_after_thirty_days_without_use(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
    clock.turn(SIGN_IN_MS - 1)
    assert await accounts.authenticate(secret)
    clock.turn(1)
    assert await accounts.authenticate(secret) is None


async def test_daily_pages_extend_a_sign_in_with_daily_writes(
    accounts: Accounts, ana: int, clock: TurnedClock, queries: list[str]
) -> None:
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
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
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
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
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
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
    secret = await accounts.sign_in("ana", PASSWORD, HERE)
    clock.turn(2 * DAY)
    assert await accounts.authenticate(secret)
    assert accounts.extend(secret)
    await accounts.sign_out(secret)
    await accounts.store_extensions()
    assert await accounts.authenticate(secret) is None


async def test_most_recently_used_sign_ins_are_kept(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    used = await accounts.sign_in("ana", PASSWORD, HERE)
    unused = await accounts.sign_in("ana", PASSWORD, HERE)
    clock.turn(2 * DAY)
    assert await accounts.authenticate(used)
    assert accounts.extend(used)
    await accounts.store_extensions()
    for _ in range(MAX_SIGN_INS - 1):
        await accounts.sign_in("ana", PASSWORD, HERE)
    assert await accounts.authenticate(used)
    assert await accounts.authenticate(unused) is None


@pytest.fixture
async def code(people: People, users: Users) -> str:
    bruno = await people.user("bruno")
    await people.classroom("6º A", bruno)
    return (await users.make_codes("6º A"))[0].code


async def test_one_time_code_signs_in_once_and_sets_the_password(accounts: Accounts, code: str) -> None:
    secret = await accounts.redeem_code("bruno", code, "escolhida", HERE)
    assert await accounts.authenticate(secret)
    assert await accounts.sign_in("bruno", "escolhida", HERE)
    with pytest.raises(SignInRefused, match="code"):
        await accounts.redeem_code("bruno", code, "escolhida-2", HERE)


async def test_one_time_code_ignores_case_blanks_and_hyphens(accounts: Accounts, code: str) -> None:
    assert await accounts.redeem_code("Bruno", f" {code[:5].lower()}-{code[5:]} ", "escolhida", HERE)


async def test_code_redeemed_twice_concurrently_works_once(accounts: Accounts, code: str) -> None:
    tries = (accounts.redeem_code("bruno", code, f"escolhida-{number}", HERE) for number in range(2))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["SignInRefused", "str"]


@pytest.mark.parametrize("login", ["bruno", "nobody"])
async def test_wrong_code_is_refused_and_guessing_is_throttled(accounts: Accounts, code: str, login: str) -> None:
    reasons = []
    for _ in range(ACCOUNT_FAILURES + 1):
        with pytest.raises(SignInRefused) as refusal:
            await accounts.redeem_code(login, "AAAAAAAAAA", "escolhida", HERE)
        reasons.append(refusal.value.reason)
    assert reasons == ["code"] * ACCOUNT_FAILURES + ["throttled"]


async def test_one_time_code_expires(accounts: Accounts, code: str, clock: TurnedClock) -> None:
    clock.turn(CODE_DAYS * DAY)
    with pytest.raises(SignInRefused, match="code"):
        await accounts.redeem_code("bruno", code, "escolhida", HERE)


async def test_refused_password_leaves_the_code_valid(accounts: Accounts, code: str) -> None:
    with pytest.raises(PasswordRefused, match="short"):
        await accounts.redeem_code("bruno", code, "curta", HERE)
    assert await accounts.redeem_code("bruno", code, "escolhida", HERE)


async def test_cleanup_deletes_expired_rows_and_notes_their_users(
    accounts: Accounts, ana: int, clock: TurnedClock, sessions: DbSessions
) -> None:
    await _refusal(accounts, "ana", "wrong-one")
    await accounts.sign_in("ana", PASSWORD, HERE)
    clock.turn(SIGN_IN_MS)
    kept = await accounts.sign_in("ana", PASSWORD, HERE)
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


def test_a_login_is_never_longer_than_its_column() -> None:
    assert len(normal_login("ß" * 255)) == 255


def test_login_matches_composed_and_decomposed_accents() -> None:
    assert normal_login("Jose\u0301") == normal_login("JOS\u00c9") == "jos\u00e9"
