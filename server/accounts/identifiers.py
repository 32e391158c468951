"""Logins, names and one-time codes: which there may be, and in which form they are stored."""

import secrets
import unicodedata

from channels.visible import first_refused, tidy_name
from server.accounts.refusals import UserError

# No characters that are mistaken for each other: 0 O, 1 I L, 5 S, 2 Z, 8 B, U V.
CODE_ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
# 45 bits: with a slow hash more than enough, and short enough to be copied from paper. (A quick hash such as SHA-256
# could be searched in an hour by a thief of the database.)
CODE_CHARACTERS = 10
CODE_DAYS = 30
# As wide as the columns.
MAX_LOGIN_CHARACTERS = 255
MAX_NAME_CHARACTERS = 255


def normal_login(login: str) -> str:
    """Return the stored form of a login; for text that cannot be a login, one that no user has."""
    # PostgreSQL takes neither a NUL nor half a surrogate pair in a text.
    plain = login[: 2 * MAX_LOGIN_CHARACTERS].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    # Keyboards send the same accented letter composed or decomposed, and what is pasted brings marks of direction.
    return tidy_name(plain.casefold())[:MAX_LOGIN_CHARACTERS]


def normal_code(code: str) -> str:
    """Return a one-time code in the form that was hashed: capitals, no blanks, no hyphens."""
    return "".join(code.split()).replace("-", "").upper()


def new_code() -> str:
    """Make a one-time code."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))


def valid_login(login: str) -> str:
    """Return a new login as it is stored; raise UserError for one that cannot be."""
    normal, typed = normal_login(login), tidy_name(login)
    _check_visible("login", typed)
    if not 1 <= len(typed) <= MAX_LOGIN_CHARACTERS or " " in typed:
        raise UserError(f"A login has 1 to {MAX_LOGIN_CHARACTERS} characters, and no blanks.", "login")
    return normal


def valid_name(name: str) -> str:
    """Return a new name as it is stored; raise UserError for one that cannot be."""
    plain = tidy_name(name)
    _check_visible("name", plain)
    if not 1 <= len(plain) <= MAX_NAME_CHARACTERS:
        raise UserError(f"A name has 1 to {MAX_NAME_CHARACTERS} characters.", "name")
    return plain


def by_name(name: str) -> tuple[str, str]:
    """Return a sort key that ignores accents: Álvaro sorts beside Alice, not after Zé."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)), name


def _check_visible(what: str, text: str) -> None:
    if (hidden := first_refused(text)) is not None:
        raise UserError(f"The {what} holds a character that cannot be seen: {hidden}.", what)
