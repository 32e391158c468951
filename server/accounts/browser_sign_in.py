"""A browser's sign-in, whichever way it is made: its secret, how long it lasts, and how many of them a user has."""

from server.clock import DAY
from server.databases.credentials import BROWSER, NewCredential, new_credential

# A browser's sign-in ends when it has not been used for this long: long enough for a holiday at home.
SIGN_IN_MS = 30 * DAY
# A phone, a computer at home, and the school's computers on which a user forgot to sign out.
MAX_SIGN_INS = 20


def new_sign_in(user_id: int, now: int, device: str) -> tuple[str, NewCredential]:
    """Make the secret of a new sign-in, and the row to store for it."""
    return new_credential(BROWSER, user_id, now, now + SIGN_IN_MS, device)
