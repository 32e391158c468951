"""Cards: what stands on one, and the address in its QR code."""

from datetime import date
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from server.accounts.users import Code
from server.cards.card import cards_of, first_sign_in, qr_code

# Midnight of 2026-12-28 in São Paulo is three hours later in UTC.
EXPIRES_AT = 1_798_426_800_000


def test_address_has_its_secrets_in_the_fragment_alone() -> None:
    address = urlsplit(first_sign_in("https://lousa.escola.br", "joão&co#1 +", "ABCDE12345"))
    assert (address.path, address.query) == ("/accounts/first-sign-in", "")
    assert parse_qs(address.fragment) == {"login": ["joão&co#1 +"], "code": ["ABCDE12345"]}


def test_card_ends_by_the_school_days() -> None:
    made = Code("6º A", "Ana", "ana", "ABCDE12345", EXPIRES_AT - 1)
    for zone, day in (("America/Sao_Paulo", 27), ("UTC", 28)):
        (card,) = cards_of([made], "https://lousa.escola.br", ZoneInfo(zone))
        assert (card.code, card.expires) == ("ABCDE 12345", date(2026, 12, day))


def test_qr_code_needs_no_inline_style() -> None:
    qr = qr_code("https://lousa.escola.br/accounts/first-sign-in#login=ana&code=ABCDE12345")
    assert qr.startswith("<svg")
    assert "style" not in qr
