"""The enrolments: enrollments.csv, with one row for each student and each teacher of a class."""

from channels.member import STUDENT, TEACHER, RoleName
from server.rosters.export import Export
from server.rosters.problems import shown
from server.rosters.records import Ids, Row, check_text, is_now, rows
from server.rosters.roles import find_role
from server.rosters.roster import Enrolment, SchoolClass, User
from server.rosters.sheet import Sheet

_COLUMNS = ("classSourcedId", "userSourcedId", "role", "schoolSourcedId?", "beginDate?", "endDate?")
# A principal may teach; a student who teaches, or a teacher who learns, is a mistake in one of the two files.
_ENROLLED_AS = {STUDENT: STUDENT, TEACHER: TEACHER, "principal": TEACHER}


def read_enrolments(export: Export, users: Ids[User], classes: Ids[SchoolClass], orgs: Ids[bool]) -> list[Enrolment]:
    """Read the enrolments of the users and classes that were found."""
    with export.sheet("enrollments", *_COLUMNS) as sheet:
        if sheet is None:
            return []
        reader = _Reader(export, sheet, users, classes, orgs)
        return [enrolment for row in rows(sheet) if (enrolment := reader.read(row))]


class _Reader:
    """Reads enrollments.csv, row by row."""

    def __init__(
        self, export: Export, sheet: Sheet, users: Ids[User], classes: Ids[SchoolClass], orgs: Ids[bool]
    ) -> None:
        self._export = export
        self._sheet = sheet
        self._users = users
        self._classes = classes
        self._orgs = orgs
        # User and class in one number, which needs half the memory of a tuple.
        self._seen: set[int] = set()

    def read(self, row: Row) -> Enrolment | None:
        """Read one row; if it enrols nobody return None, after counting it or reporting a problem."""
        if row.gone:
            return self._skip("enrolments marked as gone")
        class_id, user_id, word, school_id, begin, end = row.values
        self._check_references(row.line, class_id, user_id, school_id)
        name, role = find_role(self._sheet, row.line, word, self._export.version)
        user, school_class = self._users[user_id], self._classes[class_id]
        if not is_now(self._sheet, row.line, begin, end, self._export.today):
            return self._skip("enrolments that have ended or not begun")
        if name and (role not in (STUDENT, TEACHER) or user is None or school_class is None):
            return self._skip("enrolments of people or in classes that are skipped")
        if user is None or school_class is None or role is None:
            return None
        return self._enrol(row, user, school_class, role)

    def _check_references(self, line: int, class_id: str, user_id: str, school_id: str) -> None:
        if check_text(self._sheet, line, "classSourcedId", class_id):
            self._classes.check(self._sheet, line, "classSourcedId", class_id)
        if check_text(self._sheet, line, "userSourcedId", user_id):
            self._users.check(self._sheet, line, "userSourcedId", user_id)
        self._orgs.check(self._sheet, line, "schoolSourcedId", school_id)

    def _enrol(self, row: Row, user: User, school_class: SchoolClass, role: RoleName) -> Enrolment | None:
        if role != _ENROLLED_AS[user.role]:
            message = f"User {shown(user.sourced_id)} is a {user.role}, and enrolled as a {role}."
            self._sheet.problem(row.line, "role", message)
            return None
        pair = user.number << 32 | school_class.number
        if pair in self._seen:
            return self._skip("enrolments that are there twice")
        self._seen.add(pair)
        return Enrolment(row.sourced_id, user.number, school_class.number, role)

    def _skip(self, what: str) -> Enrolment | None:
        self._export.skipped[what] += 1
        return None
