import json
from collections.abc import Awaitable, Callable

import pytest

from server.accounts.accounts import Accounts
from server.accounts.throttle import ACCOUNT_FAILURES
from server.accounts.users import Users
from server.clock import DAY
from server.locale import LANGUAGES
from tests.server.conftest import TurnedClock
from tests.server.people import People
from tests.server.views.conftest import HOSTILE, PASSWORD, School
from tests.server.views.visitor import Answer, Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def test_sign_in_cookie_is_hidden_from_scripts_and_other_sites(visitor: Visitor) -> None:
    answer = await visitor.sign_in("Ana", PASSWORD)
    assert (answer.status, answer.location) == (303, "/")
    cookie = next(each for each in answer.headers.get_list("Set-Cookie") if each.startswith("lousa_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # plain http, as on a school's own network
    assert (await visitor.get("/students/")).has("Ana Ribeiro")


@pytest.mark.parametrize(("login", "password"), [("ana", "guessed"), ("nobody", PASSWORD), ("ana", PASSWORD + " ")])
async def test_failed_sign_in_shows_an_error_and_keeps_the_login(login: str, password: str, visitor: Visitor) -> None:
    answer = await visitor.sign_in(login, password)
    assert answer.status == 401
    assert answer.has("Login or password is wrong")
    assert answer.fields["login"] == login
    assert password not in answer.text
    assert "lousa_session" not in visitor.cookies


async def test_typed_login_is_shown_again_as_text(visitor: Visitor) -> None:
    answer = await visitor.sign_in(HOSTILE, "wrong")
    assert answer.fields["login"] == HOSTILE
    assert "<script>alert" not in answer.text


async def test_empty_field_shows_an_error(visitor: Visitor) -> None:
    answer = await visitor.sign_in("ana", "")
    assert answer.status == 422
    assert answer.has("Please fill in every field")


async def _guess(url: str) -> None:
    stranger = Visitor(url)
    for _ in range(ACCOUNT_FAILURES):
        assert (await stranger.sign_in("ana", "wrong")).status == 401


async def test_too_many_attempts_cost_strangers_a_wait(visitor: Visitor, school: School, clock: TurnedClock) -> None:
    await _guess(school.url)
    answer = await visitor.sign_in("ana", PASSWORD)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "15"
    assert answer.has("In 15 seconds you can sign in: type your password again.")
    assert PASSWORD not in answer.text
    form = {"login": answer.fields["login"], "ticket": answer.fields["ticket"], "password": PASSWORD}
    visitor.language = "pt-BR"
    clock.turn(10_000)
    early = await visitor.post("/accounts/sign-in", **form)
    assert early.has("Em 5 segundos você pode entrar: digite sua senha de novo.")
    assert early.fields["ticket"] == form["ticket"]
    clock.turn(5_000)
    assert (await visitor.post("/accounts/sign-in", **form)).status == 303


async def test_browser_that_signed_in_before_does_not_wait(visitor: Visitor, school: School) -> None:
    answer = await visitor.sign_in("ana", PASSWORD)
    cookie = next(each for each in answer.headers.get_list("Set-Cookie") if each.startswith("lousa_known="))
    assert all(part in cookie for part in ("HttpOnly", "Path=/accounts", "SameSite=Lax"))
    await visitor.post("/accounts/sign-out")
    await _guess(school.url)
    assert "lousa_session" not in visitor.cookies
    assert (await visitor.sign_in("ana", PASSWORD)).status == 303
    forged = Visitor(school.url, cookies={"lousa_known": visitor.cookies["lousa_known"][:-1] + "!"})
    assert (await forged.sign_in("ana", PASSWORD)).status == 429


async def test_script_asks_for_the_wait_first(visitor: Visitor, school: School, clock: TurnedClock) -> None:
    assert json.loads((await visitor.post("/accounts/patience", login="ana")).text) == {"seconds": 0, "ticket": ""}
    await _guess(school.url)
    wait = json.loads((await visitor.post("/accounts/patience", login="ana")).text)
    assert wait["seconds"] == 15
    clock.turn(15_000)
    form = {"login": "ana", "password": PASSWORD, "ticket": wait["ticket"]}
    assert (await visitor.post("/accounts/sign-in", **form)).status == 303
    assert (await visitor.post("/accounts/patience", xsrf="forged", login="ana")).status == 403


async def test_guesses_at_a_code_cost_a_wait(
    people: People, users: Users, visitor: Visitor, clock: TurnedClock
) -> None:
    code = await _code(people, users)
    form = {"login": "caio", "password": "uma senha só minha"}
    for _ in range(ACCOUNT_FAILURES):
        await visitor.post("/accounts/first-sign-in", **form, code="nope")
    answer = await visitor.post("/accounts/first-sign-in", **form, code=code)
    assert answer.status == 429
    clock.turn(15_000)
    ticket = answer.fields["ticket"]
    assert (await visitor.post("/accounts/first-sign-in", **form, code=code, ticket=ticket)).status == 303
    assert "lousa_known" in visitor.cookies


@pytest.mark.parametrize("path", ["/accounts/sign-in", "/accounts/first-sign-in", "/accounts/sign-out"])
async def test_form_from_another_site_is_refused(path: str, visitor: Visitor) -> None:
    await visitor.get("/accounts/sign-in")
    answer = await visitor.post(path, xsrf="forged", login="ana", password=PASSWORD)
    assert answer.status == 403
    assert answer.has("This page is not for you")


async def test_sign_in_never_redirects_to_another_site(visitor: Visitor) -> None:
    form = await visitor.get("/accounts/sign-in?next=//evil.example/")
    assert form.fields["next"] == "/"
    answer = await visitor.post("/accounts/sign-in", login="ana", password=PASSWORD, next="//evil.example/")
    assert answer.location == "/"
    assert (await visitor.get("/accounts/sign-in?next=https://evil.example/")).location == "/"


async def test_user_signed_out_elsewhere_sees_why_and_returns_after_signing_in(visitor: Visitor) -> None:
    form = await visitor.get("/accounts/sign-in?ended=1&next=/students/classes/1")
    assert form.has("You were signed out.")
    assert form.fields["next"] == "/students/classes/1"
    assert not (await visitor.get("/accounts/sign-in?next=/students/classes/1")).has("You were signed out.")
    visitor.language = "pt-BR"
    assert (await visitor.get("/accounts/sign-in?ended=1")).has("Sua sessão foi encerrada.")


async def test_signed_in_user_skips_the_sign_in_page(signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    answer = await ana.get("/accounts/sign-in?next=/students/announcements")
    assert (answer.status, answer.location) == (302, "/students/announcements")


async def test_signing_out_ends_the_sign_in_on_the_server(accounts: Accounts, signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    secret = ana.cookies["lousa_session"]
    answer = await ana.post("/accounts/sign-out")
    assert (answer.status, answer.location) == (303, "/accounts/sign-in")
    assert "lousa_session" not in ana.cookies
    assert await accounts.authenticate(secret) is None


async def test_page_extends_the_cookie_once_a_day(signed_in: SignedIn, clock: TurnedClock) -> None:
    ana = await signed_in("ana")
    assert not _sign_in_cookies(await ana.get("/students/"))
    clock.turn(2 * DAY)
    (cookie,) = _sign_in_cookies(await ana.get("/students/"))
    assert cookie.startswith(f"lousa_session={ana.cookies['lousa_session']}; expires=")
    assert "; HttpOnly; " in cookie
    assert not _sign_in_cookies(await ana.get("/students/"))
    clock.turn(2 * DAY)
    await ana.post("/accounts/sign-out")
    assert "lousa_session" not in ana.cookies


def _sign_in_cookies(answer: Answer) -> list[str]:
    return [cookie for cookie in answer.headers.get_list("Set-Cookie") if cookie.startswith("lousa_session=")]


async def test_script_can_check_whether_it_is_signed_in(visitor: Visitor, signed_in: SignedIn) -> None:
    assert (await visitor.get("/accounts/status")).text == '{"signed_in": false}'
    assert (await (await signed_in("ana")).get("/accounts/status")).text == '{"signed_in": true}'


async def _code(people: People, users: Users) -> str:
    caio = await people.user("caio", "student", "Caio Alves")
    await people.classroom("7º B", caio)
    return (await users.make_codes("7º B"))[0].code


async def test_one_time_code_with_a_new_password_works_once(
    people: People, users: Users, visitor: Visitor, school: School
) -> None:
    code = await _code(people, users)
    form = {"login": "caio", "code": code.lower(), "password": "uma senha só minha", "next": "/students/announcements"}
    answer = await visitor.post("/accounts/first-sign-in", **form)
    assert (answer.status, answer.location) == (303, "/students/announcements")
    assert (await visitor.get("/students/")).has("Caio Alves")
    other = Visitor(school.url)
    assert (await other.post("/accounts/first-sign-in", **form)).status == 401
    assert (await other.sign_in("caio", form["password"])).status == 303


@pytest.mark.parametrize(
    ("password", "words"),
    [("short", "too short"), ("x" * 257, "too long"), ("caio", "too short"), ("12345678", "others would guess")],
)
async def test_weak_password_is_refused_and_the_code_stays_valid(
    password: str, words: str, people: People, users: Users, visitor: Visitor
) -> None:
    code = await _code(people, users)
    answer = await visitor.post("/accounts/first-sign-in", login="caio", code=code, password=password)
    assert answer.status == 422
    assert answer.has(words)
    assert answer.fields["code"] == code
    answer = await visitor.post("/accounts/first-sign-in", login="caio", code=code, password="uma senha só minha")
    assert answer.status == 303


async def test_wrong_code_shows_an_error(people: People, users: Users, visitor: Visitor) -> None:
    await _code(people, users)
    answer = await visitor.post("/accounts/first-sign-in", login="caio", code="nope", password="uma senha só minha")
    assert answer.status == 401
    assert answer.has("Login or code is wrong")


async def test_language_is_the_browsers_until_the_user_chooses(visitor: Visitor) -> None:
    visitor.language = "pt-PT,pt;q=0.9,en;q=0.5"
    answer = await visitor.get("/accounts/sign-in")
    assert '<html lang="pt-BR"' in answer.text
    assert answer.has("Senha")
    answer = await visitor.post("/accounts/language", language="en", next="/accounts/sign-in?next=/students/")
    assert (answer.status, answer.location) == (303, "/accounts/sign-in?next=/students/")
    answer = await visitor.get(answer.location)
    assert '<html lang="en"' in answer.text
    assert answer.has("Password")
    assert "Accept-Language" in answer.headers["Vary"]


async def test_language_switch_stays_on_the_site_and_refuses_unknown_languages(visitor: Visitor) -> None:
    assert (await visitor.post("/accounts/language", language="en", next="//evil.example")).location == "/"
    assert (await visitor.post("/accounts/language", language="../../etc", next="/")).status == 400


async def test_script_catalog_is_cached_without_end_under_its_version(visitor: Visitor) -> None:
    path = f"/accounts/language/pt_BR.js?v={LANGUAGES['pt_BR'].version}"
    answer = await visitor.get(path)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert '"Connecting…": "Conectando…"' in answer.text
    assert (await visitor.get(path.split("?")[0])).headers["Cache-Control"] == "no-cache"
    assert (await visitor.get("/accounts/language/xx.js")).status == 404
