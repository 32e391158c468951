"""The enrolments: enrollments.csv, with one row for each student and each teacher of a class."""

from channels.member import STUDENT, TEACHER, RoleName
from server.rosters.bound import are_few
from server.rosters.export import Export
from server.rosters.problems import shown
from server.rosters.records import Days, Ids, Row, check_text, read_days, rows
from server.rosters.roles import find_role
from server.rosters.roster import Enrolment, SchoolClass, User
from server.rosters.sheet import Sheet

_COLUMNS = ("classSourcedId", "userSourcedId", "role", "schoolSourcedId?", "beginDate?", "endDate?")
# A principal may teach. A teacher who learns in a class is left out of it: they would have a teacher's rights there.
_ENROLLED_AS = {STUDENT: STUDENT, TEACHER: TEACHER, "principal": TEACHER}


def read_enrolments(export: Export, users: Ids[User], classes: Ids[SchoolClass], orgs: Ids[bool]) -> list[Enrolment]:
    """Read the enrolments of the users and classes that were found."""
    with export.sheet("enrollments", *_COLUMNS) as sheet:
        if sheet is None:
            return []
        reader = _Reader(export, sheet, users, classes, orgs)
        for row in rows(sheet):
            reader.read(row)
        reader.check_lost()
        return reader.found


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
        self.found: list[Enrolment] = []
        # Where the enrolment of a user in a class is in `found`. Both are one number, half the memory of a tuple.
        self._seen: dict[int, int] = {}
        self._lost: list[int] = []  # lines

    def read(self, row: Row) -> None:
        """Read one row; if it enrols nobody, count it or report a problem."""
        if row.gone:
            self._skip("enrolments marked as gone")
            return
        class_id, user_id, word, school_id, begin, end = row.values
        is_sound = self._check_ids(row.line, class_id, user_id)
        name, role = find_role(self._sheet, row.line, word, self._export.version)
        days = read_days(self._sheet, row.line, begin, end)
        if days.is_over(self._export.today):
            self._skip("enrolments that have ended")
            return
        if is_sound and not self._check_references(row.line, class_id, user_id, school_id):
            self._lost.append(row.line)
            return
        user, school_class = self._users[user_id], self._classes[class_id]
        if name and (role not in (STUDENT, TEACHER) or user is None or school_class is None):
            self._skip("enrolments of people or in classes that are skipped")
        elif user is not None and school_class is not None and role is not None:
            self._enrol(row, days, user, school_class, role)

    def check_lost(self) -> None:
        """Report a problem if too many rows were lost, as happens where another file is cut off."""
        lost, found = len(self._lost), len(self.found)
        if not are_few(lost, lost + found):
            message = f"{lost} of {lost + found} enrolments do not fit the other files, the first in line "
            self._sheet.problem(0, "", f"{message}{self._lost[0]}: are users.csv and classes.csv complete?")

    def _check_ids(self, line: int, class_id: str, user_id: str) -> bool:
        is_class = check_text(self._sheet, line, "classSourcedId", class_id)
        return check_text(self._sheet, line, "userSourcedId", user_id) and is_class

    def _check_references(self, line: int, class_id: str, user_id: str, school_id: str) -> bool:
        self._orgs.check(self._sheet, line, "schoolSourcedId", school_id)
        what = "enrolments of people or in classes that are not in the export, left out"
        return self._classes.check(self._sheet, line, "classSourcedId", class_id, what) and self._users.check(
            self._sheet, line, "userSourcedId", user_id, what
        )

    def _enrol(self, row: Row, days: Days, user: User, school_class: SchoolClass, role: RoleName) -> None:
        if role != _ENROLLED_AS[user.role]:
            message = f"User {shown(user.sourced_id)} is a {user.role}, and enrolled as a {role}."
            self._sheet.remark("enrolments in a role that is not the user's, left out", row.line, "role", message)
            self._lost.append(row.line)
            return
        begins, ends = (day.isoformat() if day else None for day in days)
        enrolment = Enrolment(row.sourced_id, user.number, school_class.number, role, begins, ends)
        pair = user.number << 32 | school_class.number
        place = self._seen.setdefault(pair, len(self.found))
        if place == len(self.found):
            self.found.append(enrolment)
            return
        self._skip("enrolments that are there twice")
        # Of two, the one that begins first: the other is there again in the export of its day.
        if (begins or "") < (self.found[place].begins or ""):
            self.found[place] = enrolment

    def _skip(self, what: str) -> None:
        self._export.skipped[what] += 1
