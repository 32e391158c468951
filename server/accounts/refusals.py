"""Refused requests of users and administrators, each with its reason as a word that a page can translate."""

from typing import Literal

Reason = Literal["wrong", "code", "throttled", "elsewhere", "unknown", "disabled", "taken", "used", "badge"]


class SignInRefused(Exception):
    """Nobody is signed in. `reason` is `wrong` (login or password), `code` (wrong, used or expired) or `throttled`.

    `elsewhere`: the password is right, and the school lets this role sign in through its provider only. Through a
    provider: `unknown` (nobody here), `disabled`, `taken` (the user has another account there), or `used` before.
    `badge`: it is not valid, or badges are switched off.

    After `throttled`, the client may retry after `retry_after` seconds, with the `ticket` if there is one.
    """

    def __init__(self, reason: Reason, retry_after: int = 0, ticket: str = "") -> None:
        super().__init__(reason)
        self.ticket = ticket
        self.reason = reason
        self.retry_after = retry_after


class PasswordRefused(Exception):
    """A new password is too easily guessed. `reason` is `short`, `long`, `login` (it is the login) or `common`."""

    def __init__(self, reason: Literal["short", "long", "login", "common"]) -> None:
        super().__init__(reason)
        self.reason = reason


class UserError(Exception):
    """An administrator's command cannot be done; the message says why, and nothing was changed.

    `reason` is a word that a page can translate, where a page may meet it.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class LoginTaken(UserError):
    """Another user has the login."""

    def __init__(self, login: str) -> None:
        super().__init__(f"There is already a user with the login “{login}”.", "taken")
