"""What a claim may say of a person. What a token must be, attackers show in tests/server/views/test_through.py."""

from typing import Any

import pytest

from server.oidc.errors import ProviderRefused
from server.oidc.token import names, read_header
from tests.server.conftest import TurnedClock
from tests.server.oidc.liar import Liar, provider, unsigned

LIAR = Liar(TurnedClock(), port=1)
ONE, TWO = ("escola.example",), ("escola.example", "alunos.example")


@pytest.mark.parametrize(
    ("others", "claims", "found"),
    [
        ({}, {"preferred_username": "ana"}, ("ana",)),
        ({}, {"preferred_username": "ana@escola.example"}, ()),
        ({"domains": ONE}, {"preferred_username": "ana@Escola.example"}, ("ana@Escola.example", "ana")),
        ({"domains": ONE}, {"preferred_username": "ana@sub.escola.example"}, ()),
        ({"domains": ONE}, {"preferred_username": "a@b@escola.example"}, ("a@b@escola.example", "a@b")),
        ({"domains": TWO}, {"preferred_username": "ana@escola.example"}, ("ana@escola.example",)),
        ({"domains": ONE, "claim": "email"}, {"email": "ana@escola.example"}, ()),
        ({"domains": ONE, "claim": "email"}, {"email": "ana", "email_verified": True}, ()),
        (
            {"domains": ONE, "claim": "email"},
            {"email": "ana@escola.example", "email_verified": True},
            ("ana@escola.example", "ana"),
        ),
        ({"claim": "number", "finds": "sourcedId"}, {"number": "A-1@x"}, ("A-1@x",)),
        ({"claim": "number", "finds": "sourcedId"}, {"number": 17}, ()),
        ({"claim": "number", "finds": "sourcedId"}, {"number": "x" * 256}, ()),
        ({}, {"preferred_username": "a\0na"}, ()),
    ],
)
def test_claim_names_people_of_the_schools_domains(
    others: dict[str, Any], claims: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert names(claims, provider("school", LIAR, **others)) == found


def test_only_algorithms_of_the_provider_are_read() -> None:
    token = LIAR.sign(LIAR.honest())
    assert read_header(token, provider("school", LIAR)).algorithm == "RS256"
    for refused in (unsigned({}), token[:20], "é.é.é", "", "a" * 200_000):
        with pytest.raises(ProviderRefused):
            read_header(refused, provider("school", LIAR))
    with pytest.raises(ProviderRefused, match="RS256"):
        read_header(token, provider("school", LIAR, algorithms=("ES256",)))
