"""Attacks on the sign-in through providers, by HTTP, against providers that say whatever a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from channels.journal.journal import Journal
from server import views
from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.clock import MINUTE, SECOND
from server.databases import Databases, DbSessions, reading, writing
from server.databases.accounts import Account, UserIdentity
from server.databases.outbox import audited_accounts
from server.oidc.client import Providers
from server.oidc.provider import TENANT, SchoolSettings
from tests.server.conftest import TurnedClock
from tests.server.oidc.liar import CLIENT, KEYS, SECRET, Liar, back, provider, signed_with_public_key, unsigned
from tests.server.views.conftest import PASSWORD, School
from tests.server.views.visitor import Answer, Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

# As a proxy tells that the browser asked over TLS.
TLS = {"X-Scheme": "https"}
BEGIN = "/accounts/through/school"
TENANT_ID = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"


@pytest.fixture
async def liar(clock: TurnedClock) -> AsyncIterator[Liar]:
    """Run the school's provider."""
    async with Liar(clock).running() as liar:
        yield liar


@pytest.fixture
async def other(clock: TurnedClock) -> AsyncIterator[Liar]:
    """Run another of the school's providers."""
    async with Liar(clock).running() as other:
        yield other


@pytest.fixture
async def url(
    accounts: Accounts, databases: Databases, journal: Journal, liar: Liar, other: Liar, clock: TurnedClock
) -> AsyncIterator[str]:
    """Serve all pages of a school with several providers, which is one liar in several roles."""
    socket, port = bind_unused_port()
    made = [
        provider("school", liar),
        provider("other", other),
        provider("google", liar, kind="google", claim="email", domains=("escola.example",), title="Google"),
        provider("entra", liar, kind="entra", issuer=f"{liar.url}/{TENANT}/v2.0", tenants=(TENANT_ID,)),
        provider("numbers", liar, claim="employee", finds="sourcedId"),
    ]
    school = SchoolSettings(f"http://127.0.0.1:{port}", "staff", {each.name: each for each in made})
    async with Providers(school, clock, again_seconds=0.0) as providers:
        settings = views.application_settings(accounts, databases, journal=journal, providers=providers)
        server = HTTPServer(Application(views.handlers(accounts), **settings), xheaders=True)
        server.add_socket(socket)
        yield school.address
        server.stop()
        await server.close_all_connections()


async def _begin(visitor: Visitor, name: str = "school", query: str = "") -> str:
    answer = await visitor.get(f"/accounts/through/{name}{query}")
    assert answer.status == 302, answer.text
    return answer.location


async def _through(
    visitor: Visitor, liar: Liar, name: str = "school", token: str | None = None, **claims: Any
) -> Answer:
    """Go through the whole sign-in; return what the way back is answered."""
    location = await _begin(visitor, name)
    return await visitor.get(back(liar.consent(location, token, **claims), name))


def _is_in(visitor: Visitor) -> bool:
    return "lousa_session" in visitor.cookies


async def test_known_person_is_signed_in(visitor: Visitor, liar: Liar, school: School) -> None:
    location = await _begin(visitor, query="?next=/students/announcements")
    answer = await visitor.get(back(liar.consent(location)))
    assert (answer.status, answer.location) == (302, "/students/announcements")
    assert (await visitor.get("/students/")).has("Ana Ribeiro")
    assert "lousa_attempt" not in visitor.cookies


async def test_attempt_is_bound_to_the_browser_and_not_to_the_address(visitor: Visitor) -> None:
    answer = await visitor.get(BEGIN)
    (cookie,) = [each for each in answer.headers.get_list("Set-Cookie") if each.startswith("lousa_attempt=")]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Max-Age=600"))
    secret = visitor.cookies["lousa_attempt"].split("|")[2]
    assert secret not in answer.location
    assert "code_challenge_method=S256" in answer.location


WRONG: dict[str, dict[str, Any]] = {
    "aud": {"aud": "another"},
    "several aud": {"aud": [CLIENT, "another"]},
    "azp": {"azp": "another"},
    "no aud": {"aud": None},
    "iss": {"iss": "https://evil.example"},
    "no iss": {"iss": None},
    "nonce": {"nonce": "of another browser"},
    "no nonce": {"nonce": None},
    "no sub": {"sub": None},
    "long sub": {"sub": "1" * 256},
    "no exp": {"exp": None},
    "no iat": {"iat": None},
    "iat that is none": {"iat": True},
}


async def test_token_with_a_wrong_claim_signs_nobody_in(visitor: Visitor, liar: Liar) -> None:
    for what, claims in WRONG.items():
        answer = await _through(visitor, liar, **claims)
        assert answer.status == 403, what
        assert answer.has("could not be verified"), what
        assert not _is_in(visitor), what


def _forged(claims: dict[str, Any], liar: Liar) -> dict[str, str]:
    return {
        "alg none": unsigned(claims),
        "HS256 with the public key": signed_with_public_key(claims, KEYS[0]),
        "another key of the same name": liar.sign(claims, KEYS[1], kid=KEYS[0].kid),
        "no token": "x",
        "changed signature": liar.sign(claims)[:-8] + "AAAAAAAA",
    }


async def test_token_that_the_provider_has_not_signed_is_refused(visitor: Visitor, liar: Liar) -> None:
    for how in _forged({}, liar):
        location = await _begin(visitor)
        nonce = location.split("nonce=")[1].split("&")[0]
        token = _forged(liar.honest(nonce), liar)[how]
        assert (await visitor.get(back(liar.consent(location, token)))).status == 403, how
        assert not _is_in(visitor), how


async def test_clocks_may_differ_by_two_minutes(liar: Liar, clock: TurnedClock, school: School) -> None:
    for seconds, status in ((-120, 302), (120, 302), (600, 403), (-1200, 403)):
        now = clock() // SECOND + seconds
        answer = await _through(Visitor(school.url), liar, iat=now, exp=now + 60)
        assert answer.status == status, seconds


async def test_state_of_another_browser_is_refused(visitor: Visitor, liar: Liar, school: School) -> None:
    victim = Visitor(school.url)
    answer = liar.consent(await _begin(visitor))
    refused = await victim.get(back(answer))
    assert refused.status == 400
    assert refused.has("begun in another window")
    await _begin(victim)
    assert (await victim.get(back(answer))).status == 400
    assert not _is_in(victim)
    assert "/token" not in liar.asked


async def test_answer_works_once_and_not_late(visitor: Visitor, liar: Liar, school: School, clock: TurnedClock) -> None:
    location = await _begin(visitor)
    kept = dict(visitor.cookies)
    answer = back(liar.consent(location))
    assert (await visitor.get(answer)).status == 302
    again = Visitor(school.url, cookies=kept)
    assert (await again.get(answer)).status == 403
    fresh = Visitor(school.url, cookies=kept)
    refused = await fresh.get(back(liar.consent(location)))
    assert refused.status == 400, "a state is used once, also with another code"
    assert not _is_in(again)
    assert not _is_in(fresh)
    late = liar.consent(await _begin(fresh))
    clock.turn(11 * MINUTE)
    assert (await fresh.get(back(late))).status == 400


async def test_keys_may_rotate_while_the_server_runs(visitor: Visitor, liar: Liar, school: School) -> None:
    assert (await _through(visitor, liar)).status == 302
    liar.keys = [KEYS[1]]
    second = Visitor(school.url)
    assert (await _through(second, liar)).status == 302
    withdrawn = liar.sign(liar.honest("x"), KEYS[0])
    assert (await _through(Visitor(school.url), liar, token=withdrawn)).status == 403


async def test_password_still_works_while_the_provider_is_away(visitor: Visitor, liar: Liar) -> None:
    await liar.stop()
    answer = await visitor.get(BEGIN)
    assert answer.status == 503
    assert answer.has("School does not answer")
    assert (await visitor.sign_in("ana", PASSWORD)).status == 303


NONSENSE = [(500, "{}"), (200, "<html>"), (200, "[]"), (302, ""), (200, '{"issuer": "x"}'), (200, " " * 300_000)]


async def test_provider_that_answers_nonsense_is_away(visitor: Visitor, liar: Liar) -> None:
    for answer in NONSENSE:
        liar.answer = answer
        assert (await visitor.get(BEGIN)).status == 503, answer[1][:20]
    liar.answer = None
    await _begin(visitor)
    for answer in NONSENSE:
        liar.answer = None
        location = await _begin(visitor)
        liar.answer = answer
        assert (await visitor.get(back(liar.consent(location)))).status in (403, 503), answer[1][:20]
    assert not _is_in(visitor)


async def test_metadata_of_another_issuer_are_refused(visitor: Visitor, liar: Liar) -> None:
    liar.metadata["issuer"] = "https://evil.example"
    assert (await visitor.get(BEGIN)).status == 503


GOOGLE: dict[str, Any] = {
    "preferred_username": None,
    "email": "ana@escola.example",
    "email_verified": True,
    "hd": "escola.example",
}


async def test_google_account_must_be_of_the_schools_workspace(liar: Liar, school: School) -> None:
    wrong: list[dict[str, Any]] = [
        {"hd": "outra.example"},
        {"hd": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "ana@outra.example"},
        {"email": "@escola.example"},
    ]
    for claims in wrong:
        answer = await _through(Visitor(school.url), liar, "google", **{**GOOGLE, **claims})
        assert answer.status == 403, claims
        assert answer.has("Choose another account"), claims
    assert (await _through(Visitor(school.url), liar, "google", **GOOGLE)).status == 302


def _entra(liar: Liar, tenant: str = TENANT_ID, **claims: Any) -> dict[str, Any]:
    return {"iss": f"{liar.url}/{tenant}/v2.0", "tid": tenant, "oid": "oid-1", **claims}


async def test_same_address_at_another_tenant_is_refused(visitor: Visitor, liar: Liar) -> None:
    liar.issuer_path = f"/{TENANT_ID}/v2.0"
    assert (await _through(visitor, liar, "entra", **_entra(liar))).status == 302
    for claims, status in (
        (_entra(liar, OTHER_TENANT), 403),
        ({**_entra(liar), "tid": OTHER_TENANT}, 403),
        ({**_entra(liar), "tid": None}, 403),
        ({**_entra(liar), "iss": f"https://evil.example/{TENANT_ID}/v2.0"}, 403),
        ({**_entra(liar), "oid": None}, 403),
        (_entra(liar, idp="https://sts.windows.net/other/"), 403),
        (_entra(liar, acct=1), 403),
        (_entra(liar, oid="oid-2"), 403),
    ):
        stranger = Visitor(visitor.url)
        assert (await _through(stranger, liar, "entra", **claims)).status == status, claims
        assert not _is_in(stranger)


async def test_person_is_pinned_to_the_subject(
    visitor: Visitor, liar: Liar, school: School, sessions: DbSessions
) -> None:
    assert (await _through(visitor, liar)).status == 302
    renamed = Visitor(school.url)
    assert (await _through(renamed, liar, preferred_username="paula")).status == 302
    assert (await renamed.get("/students/")).has("Ana Ribeiro")
    heir = Visitor(school.url)
    answer = await _through(heir, liar, sub="2002")
    assert answer.status == 403
    assert answer.has("belongs to another account")
    async with reading(sessions) as db:
        assert [each.subject for each in await db.scalars(select(UserIdentity))] == ["1001"]


async def test_unlinked_person_may_come_with_another_account(
    visitor: Visitor, liar: Liar, school: School, users: Users
) -> None:
    assert (await _through(visitor, liar)).status == 302
    assert await users.forget_identities("ana") == 1
    assert (await visitor.get("/students/")).status == 302
    assert (await _through(Visitor(school.url), liar, sub="2002")).status == 302


async def test_office_forgets_an_account_at_a_provider(
    visitor: Visitor, liar: Liar, signed_in: SignedIn, school: School
) -> None:
    path = f"/administrators/people/{school.ana}"
    secretaria = await signed_in("secretaria")
    assert not (await secretaria.get(path)).has("Signs in through")
    assert (await _through(visitor, liar)).status == 302
    assert (await secretaria.get(path)).has('School <span class="muted">since ')
    assert (await secretaria.post(f"{path}/unlink")).location == f"{path}?done=unlinked"
    assert (await secretaria.get(f"{path}?done=unlinked")).has("Forgotten.")
    assert (await visitor.get("/students/")).status == 302
    assert (await _through(Visitor(school.url), liar, sub="2002")).status == 302


async def test_who_has_no_password_is_offered_no_change_of_it(
    visitor: Visitor, liar: Liar, sessions: DbSessions, school: School
) -> None:
    assert (await _through(visitor, liar)).status == 302
    assert (await visitor.get("/accounts/me")).has("Change your password")
    async with writing(sessions) as db:
        await db.execute(update(Account).where(Account.id == school.ana).values(password_hash=None))
    page = await visitor.get("/accounts/me")
    assert not page.has("Change your password")
    assert page.has("Where you are signed in")


async def test_key_of_another_tenant_signs_nobody_in(visitor: Visitor, liar: Liar) -> None:
    liar.issuer_path = f"/{TENANT_ID}/v2.0"
    liar.key_fields["issuer"] = f"{liar.url}/{OTHER_TENANT}/v2.0"
    assert (await _through(visitor, liar, "entra", **_entra(liar))).status == 403
    liar.keys, liar.key_fields["issuer"] = [KEYS[1]], f"{liar.url}/{TENANT}/v2.0"
    assert (await _through(visitor, liar, "entra", **_entra(liar))).status == 302


async def test_cookie_over_tls_is_of_this_host_alone(visitor: Visitor, liar: Liar) -> None:
    answer = await visitor.get(BEGIN, **TLS)
    (cookie,) = [each for each in answer.headers.get_list("Set-Cookie") if "lousa_attempt=" in each]
    assert cookie.startswith("__Host-lousa_attempt=")
    assert "Secure" in cookie
    assert "Path=/;" in f"{cookie};"
    back_again = await visitor.get(back(liar.consent(answer.location)), **TLS)
    assert back_again.status == 302
    assert not [name for name in visitor.cookies if "attempt" in name]


async def test_unknown_person_gets_a_page_and_no_account(visitor: Visitor, liar: Liar, sessions: DbSessions) -> None:
    claims = {"preferred_username": "zé <b>", "email": "ze@x.example"}
    answer = await _through(visitor, liar, **claims)
    assert answer.status == 403
    assert answer.has("Ask the school's office")
    assert answer.has("ze@x.example")
    assert not _is_in(visitor)
    async with reading(sessions) as db:
        assert not list(await db.scalars(select(UserIdentity)))
        records = list((await audited_accounts(db, 100)).values())
    assert [each.detail["reason"] for each in records if each.kind == "sign-in:refused"] == ["unknown"]
    visitor.language = "pt-BR"
    assert (await _through(visitor, liar, **claims)).has("A Lousa não conhece você")


async def test_disabled_person_is_refused(visitor: Visitor, liar: Liar, users: Users, school: School) -> None:
    assert (await _through(visitor, liar)).status == 302
    await users.disable("ana")
    answer = await _through(Visitor(school.url), liar)
    assert answer.status == 403
    assert answer.has("switched off")


async def test_roster_number_finds_a_person(visitor: Visitor, liar: Liar, school: School, sessions: DbSessions) -> None:
    async with writing(sessions) as db:
        await db.execute(update(Account).where(Account.id == school.ana).values(sourced_id="A-1@roster"))
    assert (await _through(visitor, liar, "numbers", employee="A-2@roster")).status == 403
    assert (await _through(visitor, liar, "numbers", employee="A-1@roster")).status == 302


async def test_claim_may_come_from_userinfo_of_the_same_person(visitor: Visitor, liar: Liar, school: School) -> None:
    liar.userinfo = {"sub": "another", "preferred_username": "ana"}
    assert (await _through(visitor, liar, preferred_username=None)).status == 403
    liar.userinfo["sub"] = "1001"
    assert (await _through(Visitor(school.url), liar, preferred_username=None)).status == 302


async def test_answer_of_one_provider_does_not_count_for_another(visitor: Visitor, liar: Liar, other: Liar) -> None:
    answer = liar.consent(await _begin(visitor))
    assert (await visitor.get(back(answer, "other"))).status == 400
    answer = liar.consent(await _begin(visitor))
    assert (await visitor.get(back({**answer, "iss": other.issuer}))).status == 403
    liar.metadata["authorization_response_iss_parameter_supported"] = True
    assert "/token" not in other.asked
    assert not _is_in(visitor)


async def test_provider_that_names_itself_must_do_so(visitor: Visitor, liar: Liar) -> None:
    liar.metadata["authorization_response_iss_parameter_supported"] = True
    answer = liar.consent(await _begin(visitor))
    assert (await visitor.get(back(answer))).status == 403
    answer = liar.consent(await _begin(visitor))
    assert (await visitor.get(back({**answer, "iss": liar.issuer}))).status == 302


@pytest.mark.parametrize("page", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
async def test_sign_in_leads_to_no_other_site(page: str, visitor: Visitor, liar: Liar) -> None:
    location = await _begin(visitor, query=f"?next={page}")
    answer = await visitor.get(back(liar.consent(location)))
    assert answer.location == "/"
    visitor.cookies.clear()
    location = await _begin(visitor)
    first, *_ = visitor.cookies["lousa_attempt"].rpartition("|")
    visitor.cookies["lousa_attempt"] = f"{first}|//evil.example/"
    assert (await visitor.get(back(liar.consent(location)))).location == "/"


async def test_made_up_attempt_is_no_attempt(visitor: Visitor) -> None:
    for cookie in ["", "x", "school|1|s", "school|x|s|/", "school|99999999999999999|s|/", "school|1|s|/|"]:
        visitor.cookies["lousa_attempt"] = cookie
        assert (await visitor.get(back({"code": "x", "state": "y"}))).status == 400, cookie


@pytest.mark.parametrize(
    ("error", "status"),
    [("access_denied", 400), ("temporarily_unavailable", 503), ("<b>", 403), ("invalid_request", 403)],
)
async def test_error_of_the_provider_is_said_in_words(error: str, status: int, visitor: Visitor, liar: Liar) -> None:
    state = liar.consent(await _begin(visitor))["state"]
    answer = await visitor.get(back({"error": error, "state": state}))
    assert answer.status == status
    assert answer.has("Try again")


async def test_log_has_no_secret(
    visitor: Visitor, liar: Liar, caplog: pytest.LogCaptureFixture, school: School
) -> None:
    answer = liar.consent(await _begin(visitor), nonce="wrong")
    await visitor.get(back(answer))
    await visitor.get(back(liar.consent(await _begin(visitor)) | {"code": "never-given"}))
    assert "No sign-in through school: the nonce is another" in caplog.text
    assert "the token endpoint answers 400 invalid_grant" in caplog.text
    # Tornado's own log of requests, which tests have, is another one than the server's.
    ours = " ".join(each.getMessage() for each in caplog.records if each.name.startswith("server"))
    for secret in (answer["code"], answer["state"], SECRET, "never-given", "eyJ"):
        assert secret not in ours


def _logout(liar: Liar, **claims: Any) -> str:
    now = liar.clock() // SECOND
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    honest = {
        "iss": liar.issuer,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 120,
        "jti": "1",
        "events": events,
        "sub": "1001",
    }
    return liar.sign({**honest, **claims}, typ="logout+jwt")


async def test_logout_at_the_provider_ends_the_sign_in(visitor: Visitor, liar: Liar, school: School) -> None:
    assert (await _through(visitor, liar, sid="session-1")).status == 302
    second = Visitor(school.url)
    assert (await _through(second, liar, sid="session-2")).status == 302
    sender = Visitor(school.url)
    for claims in ({"sub": None, "sid": "session-3"}, {"sub": "2002", "jti": "2"}):
        assert (await sender.post(f"{BEGIN}/logout", logout_token=_logout(liar, **claims))).status == 200
    assert (await visitor.get("/students/")).status == 200
    token = _logout(liar, sub=None, sid="session-1", jti="3")
    assert (await sender.post(f"{BEGIN}/logout", "none", logout_token=token)).status == 200
    assert (await visitor.get("/students/")).status == 302
    assert (await second.get("/students/")).status == 200
    assert (await sender.post(f"{BEGIN}/logout", logout_token=token)).status == 400
    assert (await sender.post(f"{BEGIN}/logout", logout_token=_logout(liar, jti="4"))).status == 200
    assert (await second.get("/students/")).status == 302


WRONG_LOGOUTS: list[dict[str, Any]] = [
    {"aud": "another"},
    {"iss": "https://evil.example"},
    {"events": None},
    {"events": {}},
    {"nonce": "x"},
    {"jti": None},
    {"sub": None},
    {"iat": 1},
    {"exp": 1},
]


async def test_wrong_logout_token_ends_nothing(visitor: Visitor, liar: Liar) -> None:
    assert (await _through(visitor, liar)).status == 302
    for claims in WRONG_LOGOUTS:
        answer = await visitor.post(f"{BEGIN}/logout", logout_token=_logout(liar, **claims))
        assert (answer.status, answer.text) == (400, '{"error": "invalid_request"}'), claims
    assert (await visitor.get("/students/")).status == 200


async def test_unsigned_logout_token_ends_nothing(visitor: Visitor, liar: Liar) -> None:
    assert (await _through(visitor, liar)).status == 302
    for token in ("", "x.y.z", unsigned(liar.honest()), liar.sign(liar.honest("n"))):
        assert (await visitor.post(f"{BEGIN}/logout", logout_token=token)).status == 400
    assert (await visitor.get("/students/")).status == 200


async def test_sign_in_page_offers_eachprovider(visitor: Visitor, school: School) -> None:
    answer = await visitor.get("/accounts/sign-in?next=/students/announcements")
    assert answer.has("Sign in with Google")
    assert answer.has(f'href="{school.url}{BEGIN}?next=%2Fstudents%2Fannouncements"')
    assert (await visitor.get("/accounts/through/nobody")).status == 404
    assert (await visitor.get(f"{BEGIN}/logout")).status == 405
    assert (await visitor.head(f"{BEGIN}/back")).status == 405
