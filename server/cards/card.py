"""One card: what stands on it, and the address in its QR code.

Login and code are in the address's fragment, which browsers send to no server: it is in no log, and no other site gets
it as the page that led there. The page takes it out of the browser's address at once (static/from_card.js).
"""

from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import segno

from server.accounts.users import Code

FIRST_SIGN_IN = "/accounts/first-sign-in"
BADGE = "/accounts/badge"

# What a reader needs around the code (ISO/IEC 18004, section 6.3.8), in modules.
_QUIET_ZONE = 4
_GROUP = 5


class Card(NamedTuple):
    """A card; `classroom` may be empty, `qr` is an SVG element."""

    classroom: str
    name: str
    login: str
    code: str
    expires: date
    qr: str


def cards_of(codes: list[Code], origin: str, zone: ZoneInfo) -> list[Card]:
    """Return the cards of these codes, for a school at an address such as `https://lousa.escola.br`."""
    return [_card(each, origin, zone) for each in codes]


def _card(made: Code, origin: str, zone: ZoneInfo) -> Card:
    expires = datetime.fromtimestamp(made.expires_at / 1_000, zone).date()
    qr = qr_code(first_sign_in(origin, made.login, made.code))
    return Card(made.classroom, made.name, made.login, in_groups(made.code), expires, qr)


def first_sign_in(origin: str, login: str, code: str) -> str:
    """Return the address of the first sign-in with login and code filled in."""
    return f"{origin}{FIRST_SIGN_IN}#{urlencode({'login': login, 'code': code}, quote_via=quote)}"


def badge_address(origin: str, secret: str) -> str:
    """Return the address that signs the owner of a badge in."""
    return f"{origin}{BADGE}#{secret}"


def in_groups(code: str) -> str:
    """Return a code as it is copied from paper."""
    return " ".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def qr_code(text: str) -> str:
    """Return a text as a QR code, which survives a crease or a spot (15 %): an SVG element without inline style."""
    made = segno.make(text, error="m", boost_error=False, micro=False)
    return str(made.svg_inline(border=_QUIET_ZONE, omitsize=True, svgclass="qr", lineclass=None, light="#fff"))
