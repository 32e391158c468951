"""Logins: each user's `username`, else the `email`, else the `identifier`; no two users have the same.

Brothers and sisters without a username often have their family's e-mail. Where several users have the same one,
those of them who have an identifier sign in by it.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from server.accounts.identifiers import normal_login
from server.rosters.problems import shown
from server.rosters.records import check_text
from server.rosters.roster import User
from server.rosters.sheet import Sheet

# The login of a user who left is replaced by `#` and a number, which frees it (see `merge`).
FREED = "#"


class Logins:
    """The logins of the users that have been read."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._first: dict[str, int] = {}  # the number of the first user with a login
        self._more: dict[str, list[int]] = {}  # and of the others
        self._identifiers: dict[int, str] = {}  # of users whose login is an e-mail

    def normal(self, line: int, column: str, value: str) -> str:
        """Return the value as a login, or an empty string after reporting that it cannot be one."""
        if not check_text(self._sheet, line, column, value.casefold()):
            return ""
        login = normal_login(value)
        if login.startswith(FREED):
            self._sheet.problem(line, column, f"{shown(value)} begins with {FREED}, as no login can.")
            return ""
        return login

    def add(self, user: User, identifier: str) -> None:
        """Note a user's login, and what may stand in for an e-mail that others have too."""
        if self._first.setdefault(user.login, user.number) != user.number:
            self._more.setdefault(user.login, []).append(user.number)
        if user.column == "email" and identifier:
            self._identifiers[user.number] = identifier

    def settle(self, users: list[User]) -> Iterator[User]:
        """Give the users whose login is another now; report those who have the login of an earlier one."""
        for login, others in self._more.items():
            same = [users[number] for number in (self._first[login], *others)]
            keeping = [user for user in same if user.number not in self._identifiers]
            for user in keeping[1:]:
                self._report(user, keeping[0])
            for user in same:
                if user.number in self._identifiers:
                    yield self._identified(user, users)

    def _identified(self, user: User, users: list[User]) -> User:
        identifier = self._identifiers[user.number]
        message = f"{shown(user.login)} is the e-mail of several; this login is the identifier {shown(identifier)}."
        self._sheet.remark("people with the same e-mail, whose login is the identifier", user.line, "email", message)
        login = self.normal(user.line, "identifier", identifier)
        changed = replace(user, login=login, column="identifier")
        if login and (first := self._first.setdefault(login, user.number)) != user.number:
            self._report(changed, users[first])
        return changed

    def _report(self, user: User, first: User) -> None:
        message = f"{shown(user.login)} is the login of the user in line {first.line} already."
        self._sheet.problem(user.line, user.column, message)
