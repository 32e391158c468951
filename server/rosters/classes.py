"""The school and its classes: orgs.csv, academicSessions.csv, courses.csv and classes.csv.

Sessions and courses are not kept; they only serve to remark on references of the classes to nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from channels.visible import tidy_name
from server.rosters.export import Export
from server.rosters.problems import shown
from server.rosters.records import Ids, Row, check_text, rows
from server.rosters.roster import School, SchoolClass
from server.rosters.sheet import Sheet

# The length of the column (server/databases/accounts.py).
MAX_GRADE = 64

Known = Ids[bool]


class _Org(NamedTuple):
    """One organisation: the school, or one above, beside or within it."""

    school: School
    is_school: bool
    parent: str


def read_orgs(export: Export) -> tuple[Known, School | None]:
    """Read the organisations; return their ids, and the school among them (None if there was a problem)."""
    with export.sheet("orgs", "name", "type?", "parentSourcedId?") as sheet:
        if sheet is None:
            return Ids(whole=False), None
        found: list[_Org] = []
        known = _read_tree(sheet, found)
        return known, None if sheet.faults else _find_school(sheet, found)


def _read_tree(sheet: Sheet, found: list[_Org]) -> Known:
    known: Known = Ids(whole=False)
    for row in rows(sheet):
        known[row.sourced_id] = True
        name, kind, parent = tidy_name(row.values[0]), row.values[1].casefold(), row.values[2]
        if not row.gone and check_text(sheet, row.line, "name", name):
            found.append(_Org(School(row.sourced_id, name, row.line), kind == "school", parent))
    known.whole = sheet.whole
    for number, org in enumerate(found):
        if not known.check(sheet, org.school.line, "parentSourcedId", org.parent):
            found[number] = org._replace(parent="")
    return known


def _find_school(sheet: Sheet, found: Sequence[_Org]) -> School | None:
    """Return the only school of the export; of several, the single organisation above them all."""
    schools = [org.school for org in found if org.is_school]
    tops = [org.school for org in found if not org.parent]
    choice = schools if len(schools) == 1 else tops
    if len(choice) == 1:
        return choice[0]
    message = f"There are {len(schools)} schools, and nothing that stands above them all: whose server is this?"
    sheet.problem(0, "", message)
    return None


def read_sessions(export: Export) -> Known:
    """Read the ids of the terms and years."""
    with export.sheet("academicSessions", "parentSourcedId?") as sheet:
        if sheet is None:
            return Ids(whole=False)
        known: Known = Ids(whole=False)
        parents = []
        for row in rows(sheet):
            known[row.sourced_id] = True
            parents.append((row.line, row.values[0]))
        known.whole = sheet.whole
        for line, parent in parents:
            known.check(sheet, line, "parentSourcedId", parent)
        return known


def read_courses(export: Export, orgs: Known, sessions: Known) -> Known:
    """Read the ids of the courses."""
    with export.sheet("courses", "schoolYearSourcedId?", "orgSourcedId?") as sheet:
        if sheet is None:
            return Ids(whole=False)
        known: Known = Ids(whole=False)
        for row in rows(sheet):
            known[row.sourced_id] = True
            if not row.gone:
                sessions.check(sheet, row.line, "schoolYearSourcedId", row.values[0])
                orgs.check(sheet, row.line, "orgSourcedId", row.values[1])
        known.whole = sheet.whole
        return known


_CLASS_COLUMNS = ("title", "grades?", "courseSourcedId?", "schoolSourcedId?", "termSourcedIds?")


def read_classes(
    export: Export, orgs: Known, sessions: Known, courses: Known
) -> tuple[Ids[SchoolClass], list[SchoolClass]]:
    """Read the classes; return them by id, for the enrolments, and in the order of the file."""
    with export.sheet("classes", *_CLASS_COLUMNS) as sheet:
        if sheet is None:
            return Ids(whole=False), []
        ids: Ids[SchoolClass] = Ids(whole=False)
        classes: list[SchoolClass] = []
        for row in rows(sheet):
            ids[row.sourced_id] = None
            if row.gone:
                export.skipped["classes marked as gone"] += 1
            elif found := _read_class(sheet, row, len(classes)):
                courses.check(sheet, row.line, "courseSourcedId", row.values[2])
                orgs.check(sheet, row.line, "schoolSourcedId", row.values[3])
                sessions.check_list(sheet, row.line, "termSourcedIds", row.values[4])
                ids[row.sourced_id] = found
                classes.append(found)
        ids.whole = sheet.whole
        return ids, classes


def _read_class(sheet: Sheet, row: Row, number: int) -> SchoolClass | None:
    title, grades = tidy_name(row.values[0]), tidy_name(row.values[1])
    sound = check_text(sheet, row.line, "title", title)
    if len(grades) > MAX_GRADE:
        grades = _shorten(sheet, row.line, grades)
    if grades and not check_text(sheet, row.line, "grades", grades):
        return None
    return SchoolClass(number, row.sourced_id, title, grades) if sound else None


def _shorten(sheet: Sheet, line: int, grades: str) -> str:
    """Cut a list of grades after the last one for which there is room."""
    sheet.remark(
        "lists of grades, shortened", line, "grades", f"{shown(grades)} is longer than {MAX_GRADE} characters."
    )
    return grades[: MAX_GRADE - 1].rpartition(",")[0] + "…"
