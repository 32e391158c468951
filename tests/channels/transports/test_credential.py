"""Where a request's credential is found."""

import pytest

from channels.transports.credential import Credential, find_credential


@pytest.mark.parametrize(
    ("headers", "access_token", "cookie", "found"),
    [
        ({}, None, None, None),
        ({}, None, "", None),
        ({}, None, "c", Credential("c", ambient=True)),
        ({}, "t", "c", Credential("t", ambient=False)),
        ({"Authorization": "Bearer h"}, "t", "c", Credential("h", ambient=False)),
        ({"Authorization": "Basic h"}, None, None, None),
        ({"Authorization": "Bearer"}, None, None, None),
        ({"Sec-WebSocket-Protocol": "phoenix, base64url.bearer.phx.YW5h"}, None, "c", Credential("ana", ambient=False)),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx.Pz8_Pg"}, None, None, Credential("???>", ambient=False)),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx.Pz8/Pg"}, None, None, Credential("???>", ambient=False)),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx.*"}, None, "c", Credential("c", ambient=True)),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx._w"}, None, None, None),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx.é"}, None, None, None),
        ({"Sec-WebSocket-Protocol": "base64url.bearer.phx.A"}, None, None, None),
        ({"Sec-WebSocket-Protocol": "phoenix"}, None, None, None),
    ],
)
def test_bearer_token_takes_precedence_over_cookie(
    headers: dict[str, str], access_token: str | None, cookie: str | None, found: Credential | None
) -> None:
    assert find_credential(headers, access_token, cookie) == found
