import time

import pytest
from sqlalchemy import func, select

from server.accounts.accounts import Accounts
from server.accounts.identifiers import CODE_ALPHABET, CODE_CHARACTERS, CODE_DAYS
from server.accounts.passwords import Passwords
from server.accounts.refusals import PasswordRefused, UserError
from server.accounts.users import Users
from server.clock import DAY
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Change, Credential
from tests.server.conftest import TurnedClock
from tests.server.people import People

HERE = "127.0.0.1"


async def _notes(sessions: DbSessions) -> list[int | None]:
    async with reading(sessions) as session:
        return list(await session.scalars(select(Change.user_id)))


async def test_created_user_can_sign_in(users: Users, accounts: Accounts) -> None:
    await users.create("Diretora", " Márcia Dias ", "principal", "lousa-demo")
    member = await accounts.authenticate(await accounts.local.sign_in("diretora", "lousa-demo", HERE))
    assert member is not None
    assert (member.login, member.user.name, member.user.role) == ("diretora", "Márcia Dias", "principal")


@pytest.mark.parametrize("login", ["", "  ", "ana silva", "ana\nsilva", "a" * 256, "a\0b"])
async def test_login_with_invisible_characters_is_refused(users: Users, login: str) -> None:
    with pytest.raises(UserError, match=r"(A|The) login (has|holds)"):
        await users.create(login, "Ana", "student", "lousa-demo")


@pytest.mark.parametrize("name", ["", "  ", "Ana\u3164", "\u2800", "Ana\u202e", "A" * 256])
async def test_name_with_invisible_characters_is_refused(users: Users, name: str) -> None:
    with pytest.raises(UserError, match=r"(A|The) name (has|holds)"):
        await users.create("ana", name, "student", "lousa-demo")


async def test_duplicate_login_is_refused(users: Users, people: People) -> None:
    await people.user("ana")
    with pytest.raises(UserError, match="already a user with the login “ana”"):
        await users.create("ANA", "Another", "student", "lousa-demo")


async def test_a_weak_password_is_refused(users: Users, people: People) -> None:
    await people.user("ana")
    with pytest.raises(PasswordRefused, match="short"):
        await users.set_password("ana", "1234567")
    with pytest.raises(PasswordRefused, match="common"):
        await users.create("bruno", "Bruno", "student", "12345678")


async def test_disabling_ends_all_sign_ins_and_enabling_restores_none(
    users: Users, accounts: Accounts, people: People, sessions: DbSessions
) -> None:
    ana = await people.user("ana")
    await users.set_password("ana", "lousa-demo")
    secrets = [
        await accounts.local.sign_in("ana", "lousa-demo", HERE),
        (await users.create_tokens(["ana"], 1))[0].secret,
    ]
    await users.disable("Ana")
    assert await _notes(sessions) == [ana]
    await users.enable("ana")
    accounts.forget(None)
    assert [await accounts.authenticate(secret) for secret in secrets] == [None, None]
    assert await accounts.local.sign_in("ana", "lousa-demo", HERE)


async def test_new_password_ends_browser_sign_ins_but_not_tokens(
    users: Users, accounts: Accounts, people: People, sessions: DbSessions
) -> None:
    ana = await people.user("ana")
    await users.set_password("ana", "lousa-demo")
    session = await accounts.local.sign_in("ana", "lousa-demo", HERE)
    token = (await users.create_tokens(["ana"], 1))[0].secret
    await users.set_password("ana", "another-one")
    assert await _notes(sessions) == [ana]
    assert await accounts.authenticate(session) is None
    assert await accounts.authenticate(token)


@pytest.mark.parametrize("command", ["disable", "enable"])
async def test_commands_report_an_unknown_login(users: Users, command: str) -> None:
    with pytest.raises(UserError, match="no user with the login “nobody”"):
        await getattr(users, command)("nobody")


async def test_codes_are_made_for_class_members_without_a_password(
    users: Users, people: People, clock: TurnedClock, sessions: DbSessions
) -> None:
    zoe, ana, bruno = [await people.user(login) for login in ("zoe", "ana", "bruno")]
    paula = await people.user("paula", "teacher")
    await people.user("carla")
    await people.classroom("6º A", zoe, ana, bruno, teacher=paula)
    await users.set_password("bruno", "lousa-demo")
    sheet = await users.make_codes("6º a")
    assert [(line.classroom, line.name, line.login) for line in sheet] == [
        ("6º A", "Ana", "ana"),
        ("6º A", "Zoe", "zoe"),
        ("6º A", "Paula", "paula"),
    ]
    assert {line.expires_at for line in sheet} == {clock() + CODE_DAYS * DAY}
    codes = {line.code for line in sheet}
    assert len(codes) == 3
    assert all(len(code) == CODE_CHARACTERS and set(code) <= set(CODE_ALPHABET) for code in codes)
    async with reading(sessions) as session:
        stored = " ".join(filter(None, await session.scalars(select(Account.code_hash))))
    assert not any(code in stored for code in codes)
    assert [line.login for line in await users.make_codes("6º A", role="teacher")] == ["paula"]


async def test_user_in_several_classes_gets_one_code(users: Users, accounts: Accounts, people: People) -> None:
    zoe, ana, bruno = [await people.user(login) for login in ("zoe", "ana", "bruno")]
    paula = await people.user("paula", "teacher")
    await people.user("diretora", "principal")
    await people.classroom("7º B", zoe, bruno, teacher=paula)
    await people.classroom("6º A", zoe, ana, teacher=paula)
    await people.classroom("5º C", ana, active=False)
    everybody = [("6º A", "ana"), ("6º A", "zoe"), ("6º A", "paula"), ("7º B", "bruno")]
    sheet = await users.make_codes()
    assert [(line.classroom, line.login) for line in sheet] == everybody
    assert await accounts.local.redeem_code("zoe", sheet[1].code, "escolhida", HERE)
    named = await users.make_codes("7º B", "6º A", role="student")
    assert [(line.classroom, line.login) for line in named] == [("7º B", "bruno"), ("6º A", "ana")]
    mixed = await users.make_codes("7º b", logins=["Diretora", "bruno"])
    assert [(line.classroom, line.login) for line in mixed] == [("7º B", "bruno"), ("7º B", "paula"), ("", "diretora")]
    assert [line.login for line in await users.make_codes(logins=["diretora"])] == ["diretora"]


async def test_code_by_login_is_refused_if_a_password_is_set(users: Users, people: People) -> None:
    for login in ("ana", "bruno"):
        await people.user(login)
    await users.set_password("bruno", "lousa-demo")
    with pytest.raises(UserError, match=r"No code was made. Nobody has the login: “nobody”"):
        await users.make_codes(logins=["ana", "nobody"])
    with pytest.raises(UserError, match=r"They have a password, .*: “bruno”"):
        await users.make_codes(logins=["ana", "bruno"])


async def test_a_whole_school_gets_its_codes(sessions: DbSessions, people: People) -> None:
    passwords = Passwords(max_waiting=2)
    users = Users(sessions, passwords, hashes_at_once=2)
    await people.classroom("6º A", *[await people.user(f"user{number}") for number in range(7)])
    assert len({line.code for line in await users.make_codes()}) == 7
    passwords.close()


async def test_a_newer_code_replaces_the_older(users: Users, accounts: Accounts, people: People) -> None:
    await people.classroom("6º A", await people.user("ana"))
    old, new = [(await users.make_codes("6º A"))[0].code for _ in range(2)]
    with pytest.raises(Exception, match="code"):
        await accounts.local.redeem_code("ana", old, "escolhida", HERE)
    assert await accounts.local.redeem_code("ana", new, "escolhida", HERE)
    assert await users.make_codes("6º A") == []


async def test_unknown_class_is_reported_with_the_existing_ones(users: Users, people: People) -> None:
    await people.classroom("6º A")
    await people.classroom("5º B", active=False)
    with pytest.raises(UserError, match=r"no class called “5º B”\. Classes are: 6º A"):
        await users.make_codes("5º B")


async def test_tokens_are_in_the_order_of_logins_and_expire(
    users: Users, accounts: Accounts, people: People, clock: TurnedClock
) -> None:
    for login in ("ana", "bruno"):
        await people.user(login)
    tokens = await users.create_tokens(["Bruno", "ana", "bruno"], 2)
    found = [await accounts.authenticate(token.secret) for token in tokens]
    assert [member and member.login for member in found] == ["bruno", "ana", "bruno"]
    assert [token.login for token in tokens] == ["bruno", "ana", "bruno"]
    clock.turn(2 * DAY)
    assert [await accounts.authenticate(token.secret) for token in tokens] == [None] * 3


async def test_one_unknown_login_prevents_all_tokens(users: Users, people: People, sessions: DbSessions) -> None:
    await people.user("ana")
    with pytest.raises(UserError, match="Nobody has the login: “nobody”, “x”"):
        await users.create_tokens(["ana", "nobody", "x"], 1)
    await users.disable("ana")
    with pytest.raises(UserError, match=r"Disabled.* “ana”"):
        await users.create_tokens(["ana"], 1)
    async with reading(sessions) as session:
        assert await session.scalar(select(func.count(Credential.id))) == 0


async def test_a_thousand_tokens_are_one_transaction(users: Users, sessions: DbSessions, queries: list[str]) -> None:
    async with writing(sessions) as session:
        session.add_all(Account(login=f"user{number}", name="x", role="student") for number in range(2_500))
    queries.clear()
    begun = time.process_time()
    tokens = await users.create_tokens([f"user{number}" for number in range(2_500)], 1)
    print(f"2,500 tokens in {time.process_time() - begun:.2f} s of CPU")
    assert len({token.secret for token in tokens}) == 2_500
    assert len([each for each in queries if not each.startswith("BEGIN")]) <= 8


async def test_password_for_everybody_applies_to_roster_users_only(
    users: Users, accounts: Accounts, people: People
) -> None:
    await people.user("ana")
    await users.create("admin", "Admin", "principal", "a secret of hers")
    await users.set_one_password("lousa-demo")
    assert await accounts.local.sign_in("ana", "lousa-demo", HERE)
    assert await accounts.local.sign_in("admin", "a secret of hers", HERE)


async def test_codes_and_tokens_are_stored_after_they_are_handed_over(
    users: Users, people: People, sessions: DbSessions
) -> None:
    ana = await people.user("ana")
    await people.classroom("6º A", ana)
    await users.make_codes()

    def fail(_secrets: object) -> None:
        raise UserError("The printer is on fire.")

    async def stored() -> tuple[list[str | None], int]:
        async with reading(sessions) as session:
            codes = list(await session.scalars(select(Account.code_hash)))
            return codes, len(list(await session.scalars(select(Credential))))

    before = await stored()
    with pytest.raises(UserError, match="on fire"):
        await users.make_codes(hand_over=fail)
    with pytest.raises(UserError, match="on fire"):
        await users.create_tokens(["ana"], 1, fail)
    assert await stored() == before
