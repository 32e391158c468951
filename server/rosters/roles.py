"""Which of an export's roles are ours, and, in OneRoster 1.2, roles.csv: who has which.

Lousa knows students, teachers and principals. All others are skipped and counted: nothing is given to somebody whom the
export does not plainly call one of the three.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from channels.member import STUDENT, TEACHER, RoleName
from server.rosters.bound import are_few
from server.rosters.export import Export
from server.rosters.problems import shown
from server.rosters.records import Ids, Row, check_text, read_days, rows
from server.rosters.roster import User
from server.rosters.sheet import Sheet

# The roles of both versions, casefolded; None: somebody who is skipped.
_ROLES: Mapping[str, RoleName | None] = {
    "student": STUDENT,
    "teacher": TEACHER,
    "principal": "principal",
    **dict.fromkeys(("parent", "guardian", "relative", "aide", "proctor", "counselor")),
    **dict.fromkeys(("siteadministrator", "districtadministrator", "systemadministrator")),
    **dict.fromkeys(("staff", "contact")),  # in neither version, and in many exports
}
# 1.1 has no word for a principal but this one; in 1.2, which has, nobody can tell whom it means.
ROLES: Mapping[str, Mapping[str, RoleName | None]] = {
    "1.1": {**_ROLES, "administrator": "principal"},
    "1.2": _ROLES,
}
# How the standard lets others add roles of their own: `ext:librarian`. They are counted together.
_EXTENSION = "ext:"
_KINDS = ("", "primary", "secondary")


class Rank(IntEnum):
    """What counts more when somebody has several roles."""

    ENDED = 0
    SKIPPED = 1
    SECONDARY = 2
    PRIMARY = 3


class Assigned(NamedTuple):
    """What counts of one user's roles, the line that says so, and, in `clash`, one that says something else."""

    role: RoleName | None
    name: str
    rank: Rank
    line: int
    clash: int = 0


def find_role(sheet: Sheet, line: int, word: str, version: str) -> tuple[str, RoleName | None]:
    """Return what to count this role under, and which of ours it is; report one that is none, and return no name."""
    folded = word.casefold()
    if folded in ROLES[version]:
        return folded, ROLES[version][folded]
    if folded.startswith(_EXTENSION):
        return _EXTENSION, None
    hint = "; in OneRoster 1.2 a principal is “principal”" if folded == "administrator" else ""
    message = f"{shown(word)} is not a role of OneRoster {version}{hint}." if word else "The value is missing."
    sheet.problem(line, "role", message)
    return "", None


def read_roles(export: Export, orgs: Ids[bool]) -> Ids[Assigned]:
    """Read roles.csv: what counts of each user's roles, by the user's id."""
    with export.sheet(
        "roles", "userSourcedId", "role", "roleType?", "beginDate?", "endDate?", "orgSourcedId?"
    ) as sheet:
        if sheet is None:
            return Ids(whole=False)
        ids: Ids[Assigned] = Ids(whole=False)
        for row in rows(sheet):
            orgs.check(sheet, row.line, "orgSourcedId", row.values[5])
            if assigned := _read_role(export, sheet, row):
                ids[row.values[0]] = _weigh(ids[row.values[0]], assigned)
        # A row that was refused may be the one that somebody lacks: that would be one mistake told twice.
        ids.whole = not sheet.faults
        return ids


def _read_role(export: Export, sheet: Sheet, row: Row) -> Assigned | None:
    user, word, kind, begin, end, _ = row.values
    name, role = find_role(sheet, row.line, word, export.version)
    if not check_text(sheet, row.line, "userSourcedId", user) or not name:
        return None
    if kind.casefold() not in _KINDS:
        sheet.problem(row.line, "roleType", f"{shown(kind)} is neither “primary” nor “secondary”.")
    if row.gone or not read_days(sheet, row.line, begin, end).holds(export.today):
        return Assigned(None, "people whose role has ended or not begun", Rank.ENDED, row.line)
    if role is None:
        return Assigned(None, name, Rank.SKIPPED, row.line)
    return Assigned(role, name, Rank.SECONDARY if kind.casefold() == "secondary" else Rank.PRIMARY, row.line)


def _weigh(old: Assigned | None, new: Assigned) -> Assigned:
    if old is None or new.rank > old.rank:
        return new
    if new.rank == old.rank and new.role != old.role:
        return old._replace(clash=new.line)
    return old


def check_roles(export: Export, roles: Ids[Assigned], users: Ids[User]) -> None:
    """Report users with two roles of the same rank; ignore roles of unknown users, unless there are many."""
    unknown = 0
    for sourced_id, assigned in roles.items():
        if assigned and assigned.clash:
            message = f"User {shown(sourced_id)} has another role in line {assigned.line}, which counts as much."
            export.problems.add("roles.csv", assigned.clash, "role", message)
        if assigned and users.whole and sourced_id not in users:
            unknown += 1
            what, message = "roles of people who are not in the export, left out", f"{shown(sourced_id)} is not there."
            export.problems.remarks.add(what, "roles.csv", assigned.line, "userSourcedId", message)
    if not are_few(unknown, len(roles.items())):
        message = f"{unknown} of {len(roles.items())} people are not in users.csv: is that file complete?"
        export.problems.add("roles.csv", 0, "userSourcedId", message)
