"""Recognizes browsers that have signed in to an account before, by a cookie that outlives the sign-in.

The cookie holds, for each account, the browser's number and its HMAC. The key is the stored hash of the account's
password: the server needs no key of its own, every worker has the same, and a new password makes all browsers
strangers. Alone the cookie gives nothing. It only shows that its sender once knew the password, so that guesses made
elsewhere do not slow the owner down.
"""

import base64
import hmac
import re
import secrets

from server.databases.accounts import Account

# Pupils share the computers of a room: ten classes take turns at one. 50 entries are 2 KB, sent to sign-in pages only.
MAX_ACCOUNTS = 50
# As long as browsers keep a cookie; each sign-in begins it anew.
COOKIE_DAYS = 400

_ENTRY = re.compile(r"(\d{1,19})\.([\w-]{8})\.([\w-]{22})", re.ASCII)


def find(cookie: str, user_id: int, password_hash: str) -> str:
    """Return this browser's number if it has signed in to the account with its present password, or an empty string."""
    for owner, number, mac in _entries(cookie):
        if owner == str(user_id) and hmac.compare_digest(mac, _mac(user_id, number, password_hash)):
            return number
    return ""


def of_account(cookie: str, account: Account | None) -> str:
    """Return this browser's number if this account knows it, or an empty string."""
    if account is None or account.password_hash is None:
        return ""
    return find(cookie, account.id, account.password_hash)


def add(cookie: str, user_id: int, password_hash: str) -> str:
    """Return the cookie with this account in front; the one that was used longest ago makes room."""
    number = find(cookie, user_id, password_hash) or secrets.token_urlsafe(6)
    others = [".".join(entry) for entry in _entries(cookie) if entry[0] != str(user_id)]
    return "|".join([f"{user_id}.{number}.{_mac(user_id, number, password_hash)}", *others[: MAX_ACCOUNTS - 1]])


def _entries(cookie: str) -> list[tuple[str, str, str]]:
    # Two more than we write, so that a long cookie costs no more than one of ours.
    parts = cookie.split("|", MAX_ACCOUNTS + 1)[:MAX_ACCOUNTS]
    return [(found[1], found[2], found[3]) for part in parts if (found := _ENTRY.fullmatch(part))]


def _mac(user_id: int, number: str, password_hash: str) -> str:
    digest = hmac.digest(password_hash.encode(), f"known browser {user_id} {number}".encode(), "sha256")
    return _text(digest[:16])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
