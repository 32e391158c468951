"""Why a sign-in through a provider did not happen. No message has a code, a token or another secret."""

from typing import Literal

Reason = Literal["away", "busy", "cancelled", "foreign", "invalid", "stale"]


class ProviderRefused(Exception):
    """Nobody is signed in. `reason` is for the page, the message for the log.

    `away`: the provider does not answer. `busy`: too many sign in at once. `cancelled`: the person has given up there.
    `foreign`: the account is not the school's. `invalid`: an answer is not what it must be. `stale`: this browser has
    not begun it, or too long ago.
    """

    def __init__(self, reason: Reason, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
