"""The users: users.csv, with roles from the same file (OneRoster 1.1) or from roles.csv (1.2)."""

from typing import NamedTuple

from channels.member import RoleName
from channels.visible import tidy_name
from server.rosters.bound import are_few
from server.rosters.export import Export
from server.rosters.logins import Logins
from server.rosters.problems import shown
from server.rosters.records import Ids, Row, check_text, rows
from server.rosters.relatives import KINDS as RELATIVES
from server.rosters.relatives import Relatives
from server.rosters.roles import Assigned, check_roles, find_role, read_roles
from server.rosters.roster import Relative, User
from server.rosters.sheet import Sheet

_SHARED = ("givenName", "familyName", "username", "email?", "identifier?", "enabledUser?", "agentSourcedIds?")
_PREFERRED = ("preferredGivenName?", "preferredFamilyName?")
_ENABLED = {"": True, "true": True, "false": False}
# What spreadsheets and hands make of true and false.
_ALSO_ENABLED = {**dict.fromkeys(("1", "yes", "y", "t", "active"), True), "sim": True, "verdadeiro": True}
_ALSO_ENABLED |= {**dict.fromkeys(("0", "no", "n", "f", "inactive"), False), "não": False, "falso": False}


class _Fields(NamedTuple):
    """The columns of one row; `role` is only in 1.1, `orgs` lists the user's organisations."""

    given: str
    family: str
    username: str
    email: str
    identifier: str
    enabled: str
    agents: str
    orgs: str
    role: str
    preferred_given: str
    preferred_family: str


def read_users(export: Export, orgs: Ids[bool]) -> tuple[Ids[User], list[User], list[Relative]]:
    """Read the users; return them by id, for the enrolments, and in the order of the file, and students' relatives."""
    roles = read_roles(export, orgs) if export.version == "1.2" else None
    own = ("orgSourcedIds?", "role") if roles is None else ("primaryOrgSourcedId?", "role?")
    with export.sheet("users", *_SHARED, *own, *_PREFERRED) as sheet:
        if sheet is None:
            return Ids(whole=False), [], []
        reader = _Reader(export, sheet, orgs, roles)
        reader.read()
    if roles is not None:
        check_roles(export, roles, reader.ids)
    return reader.ids, reader.users, reader.relatives


class _Reader:
    """Reads users.csv, row by row."""

    def __init__(self, export: Export, sheet: Sheet, orgs: Ids[bool], roles: Ids[Assigned] | None) -> None:
        self.ids: Ids[User] = Ids(whole=False)
        self.users: list[User] = []
        self.relatives: list[Relative] = []
        self._export = export
        self._sheet = sheet
        self._orgs = orgs
        self._roles = roles
        self._logins = Logins(sheet)
        self._relatives = Relatives()
        self._roleless = 0

    def read(self) -> None:
        for row in rows(self._sheet):
            self.ids[row.sourced_id] = None
            fields = _Fields(*row.values)
            if (role := self._role(row, fields)) and (user := self._user(row, fields, role)):
                self.ids[row.sourced_id] = user
                self.users.append(user)
        self.ids.whole = self._sheet.whole
        for user in self._logins.settle(self.users):
            self.users[user.number] = self.ids[user.sourced_id] = user
        self.relatives = self._relatives.of({user.sourced_id: user for user in self.users})
        self._export.skipped.update(self._relatives.without(self.relatives))
        if not are_few(self._roleless, people := len(self.ids.items())):
            self._sheet.problem(0, "", f"{self._roleless} of {people} people have no role: is roles.csv complete?")
        if self.ids.whole and not self.users:
            # A broken export must not withdraw everybody's rights.
            self._sheet.problem(0, "", "The file has no student, teacher or principal.")

    def _role(self, row: Row, fields: _Fields) -> RoleName | None:
        """Return a person's role; for people who are not imported None, after counting them or reporting a problem."""
        if row.gone:
            self._export.skipped["people marked as gone"] += 1
            return None
        role, name = self._role_and_name(row, fields)
        enabled = self._is_enabled(row.line, fields.enabled)
        if name in RELATIVES:
            name_of = tidy_name(f"{fields.given} {fields.family}".strip())
            self._relatives.add(row.sourced_id, name_of, name, fields.agents)
        elif not role and name:
            self._export.skipped[name] += 1
        elif enabled is False:
            self._export.skipped["people who are not enabled"] += 1
        return role if enabled else None

    def _is_enabled(self, line: int, value: str) -> bool | None:
        folded = value.casefold()
        if folded in _ENABLED:
            return _ENABLED[folded]
        message = f"{shown(value)} is neither “true” nor “false”."
        if (also := _ALSO_ENABLED.get(folded)) is None:
            self._sheet.problem(line, "enabledUser", message)
        else:
            self._sheet.remark(
                "people enabled or not by another word than true and false", line, "enabledUser", message
            )
        return also

    def _role_and_name(self, row: Row, fields: _Fields) -> tuple[RoleName | None, str]:
        if self._roles is None:
            name, role = find_role(self._sheet, row.line, fields.role, self._export.version)
            return role, name
        if assigned := self._roles[row.sourced_id]:
            return assigned.role, assigned.name
        if self._roles.whole:
            self._roleless += 1
            message = f"roles.csv gives no role to user {shown(row.sourced_id)}."
            self._sheet.remark("people without a role, left out", row.line, "sourcedId", message)
        return None, ""

    def _user(self, row: Row, fields: _Fields, role: RoleName) -> User | None:
        self._check_orgs(row, fields)
        given = fields.preferred_given or fields.given
        family = fields.preferred_family or fields.family
        name = tidy_name(f"{given} {family}".strip())
        choices = (("username", fields.username), ("email", fields.email), ("identifier", fields.identifier))
        column, value = next(((name, value) for name, value in choices if value), choices[0])
        login = self._logins.normal(row.line, column, tidy_name(value))
        if not check_text(self._sheet, row.line, "givenName", name) or not login:
            return None
        self._relatives.link(row.sourced_id, fields.agents)
        user = User(len(self.users), row.sourced_id, login, name, role, row.line, column)
        self._logins.add(user, tidy_name(fields.identifier))
        return user

    def _check_orgs(self, row: Row, fields: _Fields) -> None:
        if self._roles is None:
            self._orgs.check_list(self._sheet, row.line, "orgSourcedIds", fields.orgs)
        else:
            self._orgs.check(self._sheet, row.line, "primaryOrgSourcedId", fields.orgs)
