import re
from collections.abc import Awaitable, Callable

import pytest

from server.accounts.accounts import Accounts
from server.databases.errors import DatabaseUnavailable
from server.views.base import local_path
from tests.server.people import People
from tests.server.views.conftest import HOSTILE, PASSWORD, School
from tests.server.views.visitor import Answer, Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

PAGES = {
    "ana": ["/students/", "/students/classes/{mathematics}", "/students/announcements"],
    "paula": ["/teachers/", "/teachers/classes/{mathematics}", "/teachers/announcements"],
    "diretora": ["/principal/", "/principal/classes/{history}", "/principal/announcements"],
}
CATALOG = "/accounts/language/en.js"
ALL_PAGES = [(login, page) for login, pages in PAGES.items() for page in pages]


def _path(page: str, school: School) -> str:
    return page.format(mathematics=school.mathematics, history=school.history)


@pytest.mark.parametrize(("login", "page"), ALL_PAGES)
async def test_visitor_signs_in_first_and_then_gets_the_page(
    login: str, page: str, school: School, visitor: Visitor
) -> None:
    path = _path(page, school)
    answer = await visitor.get(path)
    assert (answer.status, answer.location) == (302, f"/accounts/sign-in?next={path}")
    form = await visitor.get(answer.location)
    answer = await visitor.post(
        "/accounts/sign-in", login=login, password=PASSWORD, next=form.fields["next"], xsrf=form.fields["_xsrf"]
    )
    assert (answer.status, answer.location) == (303, path)
    assert (await visitor.get(path)).status == 200


@pytest.mark.parametrize(("owner", "page"), ALL_PAGES)
async def test_page_is_refused_to_other_roles(owner: str, page: str, school: School, signed_in: SignedIn) -> None:
    for login in PAGES:
        answer = await (await signed_in(login)).get(_path(page, school))
        assert answer.status == (200 if login == owner else 403)


async def test_class_of_others_is_not_found(school: School, signed_in: SignedIn) -> None:
    ana, paula, principal = [await signed_in(login) for login in PAGES]
    assert (await ana.get(f"/students/classes/{school.history}")).status == 404
    assert (await paula.get(f"/teachers/classes/{school.history}")).status == 404
    assert (await principal.get(f"/principal/classes/{school.history}")).status == 200
    assert (await principal.get("/principal/classes/999999999999999")).status == 404


@pytest.mark.parametrize(
    ("login", "home"), [("ana", "/students/"), ("paula", "/teachers/"), ("diretora", "/principal/")]
)
async def test_root_address_redirects_to_the_users_own_pages(login: str, home: str, signed_in: SignedIn) -> None:
    assert (await (await signed_in(login)).get("/")).location == home


def _assert_strict(answer: Answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in answer.headers


@pytest.mark.parametrize(("login", "page"), ALL_PAGES)
async def test_pages_have_no_inline_script_or_style(login: str, page: str, school: School, signed_in: SignedIn) -> None:
    answer = await (await signed_in(login)).get(_path(page, school))
    _assert_strict(answer)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", answer.text))
    assert not re.search(r"<style|\sstyle=|\son\w+=", answer.text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/accounts/sign-in", 200),
        ("/docs/protocol", 200),
        ("/docs/protocol.json", 200),
        ("/nowhere", 404),
        ("/static/nothing.js", 404),
        ("/static/page.js", 200),
        ("/", 302),
        (CATALOG, 200),
    ],
)
async def test_every_answer_has_the_content_security_policy(path: str, status: int, visitor: Visitor) -> None:
    answer = await visitor.get(path)
    assert answer.status == status
    _assert_strict(answer)


@pytest.mark.parametrize(
    "page", [*(page for _, page in ALL_PAGES), "/accounts/sign-in", "/docs/protocol", "/nowhere", CATALOG]
)
async def test_head_request_gets_the_headers_of_the_page(page: str, school: School, signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    await ana.get("/students/")  # the cookie for forms comes with the first page only
    whole, told = await ana.get(_path(page, school)), await ana.head(_path(page, school))
    assert (told.status, told.location, told.text) == (whole.status, whole.location, "")
    assert set(told.headers) == set(whole.headers)


@pytest.mark.parametrize("folder", ["/students", "/teachers", "/principal"])
async def test_folder_without_its_slash_redirects(folder: str, visitor: Visitor) -> None:
    answer = await visitor.get(folder)
    assert (answer.status, answer.location) == (302, f"{folder}/")


async def test_error_is_a_page_in_the_readers_language_with_a_link(school: School, signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    ana.language = "pt-BR"
    for path, status, words in (("/nada", 404, "Não há nada nesta lousa"), ("/principal/", 403, "não é para você")):
        answer = await ana.get(path)
        assert answer.status == status
        assert answer.has(words)
        assert 'href="/students/"' in answer.text


async def test_database_that_is_away_is_answered_with_503(
    accounts: Accounts, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ana = await signed_in("ana")

    async def away() -> str:
        raise DatabaseUnavailable("the accounts database is too busy")

    monkeypatch.setattr(accounts, "school_name", away)
    answer = await ana.get("/students/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.has("The server is busy")
    assert "Traceback" not in answer.text


async def test_names_and_titles_are_never_markup(people: People, school: School, signed_in: SignedIn) -> None:
    mallory = await people.user("mallory", "student", HOSTILE)
    class_id = await people.classroom(HOSTILE, mallory, school.ana)
    ana = await signed_in("ana")
    for path in ("/students/", f"/students/classes/{class_id}", "/students/announcements"):
        answer = await ana.get(path)
        assert answer.has("alert('x')")
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize("path", ["/students/", "/students/classes/7?a=b&c=d", "/"])
def test_local_path_stays_as_it_is(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "students/",
        "/a b",
    ],
)
def test_address_of_another_site_becomes_the_root(path: str | None) -> None:
    assert local_path(path) == "/"


async def test_nobody_keeps_a_page_of_an_address_that_browsers_do_not_trust(signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    answer = await ana.get("/students/", Host="lousa.escola.test")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/accounts/status", "/students/classes/{mathematics}?joins", "/nowhere", "/"])
async def test_nobody_keeps_an_answer_that_is_no_page(path: str, school: School, signed_in: SignedIn) -> None:
    answer = await (await signed_in("ana")).get(_path(path, school))
    assert answer.headers["Cache-Control"] == "no-store"


async def test_scripts_can_read_who_is_signed_in(school: School, signed_in: SignedIn, accounts: Accounts) -> None:
    ana = await signed_in("ana")
    await ana.get("/students/")
    assert ana.cookies["lousa_user"] == str(school.ana)
    ana.cookies["lousa_user"] = "1"
    await ana.get("/students/")
    assert ana.cookies["lousa_user"] == str(school.ana)
    await accounts.sign_out(ana.cookies["lousa_session"])
    await ana.get("/students/")
    assert "lousa_user" not in ana.cookies


async def test_signing_out_empties_what_the_browser_has_kept(signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    await ana.get("/students/")
    answer = await ana.post("/accounts/sign-out")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert not {"lousa_session", "lousa_user"} & set(ana.cookies)
