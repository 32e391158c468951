from urllib.parse import parse_qs, urlsplit

from server.oidc.attempt import Attempt
from server.oidc.client import Providers
from server.oidc.provider import SchoolSettings
from tests.server.conftest import TurnedClock
from tests.server.oidc.liar import Liar, provider


async def test_request_asks_for_what_is_needed_and_no_more(clock: TurnedClock) -> None:
    liar = Liar(clock, metadata={"authorization_endpoint": "https://id.example/authorize?realm=a"})
    liar.start()
    usual = {"kind": "google", "domains": ("escola.example",), "prompt_choose": "select_account"}
    school = SchoolSettings("https://lousa.example", "everybody", {"google": provider("google", liar, **usual)})
    attempt = Attempt.begin("google", clock(), "/")
    async with Providers(school, clock) as providers:
        client = providers.client("google")
        assert client is not None
        url = urlsplit(await client.begin(attempt, choose=True))
        assert providers.client("other") is None
    await liar.stop()
    assert {name: values[0] for name, values in parse_qs(url.query).items()} == {
        "realm": "a",
        "response_type": "code",
        "client_id": "lousa",
        "redirect_uri": "https://lousa.example/accounts/through/google/back",
        "scope": "openid",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
        "prompt": "select_account",
        "hd": "escola.example",
    }
