"""Generates a school of any size as a OneRoster export; the same seed gives the same school.

A school of 100,000 users is as many students, teachers and principals as can be imported; its other figures follow
those of a real one: 28 students are a group, which has 6 classes, one for each subject, and a teacher has some 4 of
these. That makes 20,340 classes and 589,740 enrolments. Ids are UUIDs, as in most exports, and make the files large.

    python -m bench.school FOLDER --users 100000
"""

import csv
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from bench.names import FAMILY, GIVEN

STUDENTS_OF_A_GROUP = 28
# The number of teachers per 1,000 users; one user is a principal.
TEACHERS_OF_1000 = 50
SUBJECTS = ("Matemática", "Língua Portuguesa", "Ciências", "História", "Geografia", "Inglês")
GRADES = ("06", "07", "08", "09")

_FILES = ("academicSessions", "classes", "courses", "enrollments", "orgs", "roles", "users")
_COLUMNS = {
    "orgs": "name,type,identifier,parentSourcedId",
    "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
    "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,"
    "subjectCodes,periods",
    "users 1.1": "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password",
    "users 1.2": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
    "agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,"
    "primaryOrgSourcedId,pronouns",
    "roles": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
    "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
}

Row = dict[str, str]


def write_school(folder: Path, users: int = 100_000, *, version: str = "1.2", seed: int = 1) -> None:
    """Write the export of a school with this number of users; creates the folder if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in _School(users, version, random.Random(seed)).files():
        write_file(folder, name, rows, version)
    write_manifest(folder, version)


def write_file(folder: Path, name: str, rows: Iterable[Row], version: str = "1.2") -> None:
    """Write one data file with all columns of its version; missing values are empty."""
    own = _COLUMNS[f"users {version}" if name == "users" else name]
    _write(folder / f"{name}.csv", ["sourcedId", "status", "dateLastModified", *own.split(",")], rows)


def write_manifest(folder: Path, version: str = "1.2") -> None:
    """Write the manifest of a complete export of all files of its version."""
    properties = {"manifest.version": "1.0", "oneroster.version": version}
    properties |= {f"file.{name}": "bulk" for name in _FILES if name != "roles" or version == "1.2"}
    rows = ({"propertyName": name, "value": value} for name, value in properties.items())
    _write(folder / "manifest.csv", ["propertyName", "value"], rows)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


class _School:
    """The people and classes of one school."""

    def __init__(self, users: int, version: str, source: random.Random) -> None:
        self._random = source
        self._version = version
        principals = max(1, users // 1000)
        teachers = max(1, users * TEACHERS_OF_1000 // 1000)
        students = users - principals - teachers
        self._roles = ["principal"] * principals + ["teacher"] * teachers + ["student"] * students
        self._ids = self._new_ids(users)
        self._teachers = self._ids[principals : principals + teachers]
        starts = range(principals + teachers, users, STUDENTS_OF_A_GROUP)
        self._groups = [self._ids[start : start + STUDENTS_OF_A_GROUP] for start in starts]
        self._classes = self._new_ids(len(self._groups) * len(SUBJECTS))
        self._school, self._year, *self._courses = self._new_ids(2 + len(SUBJECTS))

    def _new_ids(self, count: int) -> list[str]:
        return [str(uuid.UUID(int=self._random.getrandbits(128), version=4)) for _ in range(count)]

    def files(self) -> Iterator[tuple[str, Iterable[Row]]]:
        """Yield each data file with its rows; missing values are empty, like `status` in a bulk export."""
        yield "orgs", [{"sourcedId": self._school, "name": "Rede Municipal de Ipê-Roxo", "type": "school"}]
        yield "academicSessions", [{"sourcedId": self._year, "title": "2026", "type": "schoolYear"}]
        yield "courses", self._course_rows()
        yield "classes", self._class_rows()
        yield "users", self._user_rows()
        if self._version == "1.2":
            yield "roles", self._role_rows()
        yield "enrollments", self._enrolment_rows()

    def _course_rows(self) -> Iterator[Row]:
        for sourced_id, subject in zip(self._courses, SUBJECTS, strict=True):
            yield {
                "sourcedId": sourced_id,
                "schoolYearSourcedId": self._year,
                "title": subject,
                "orgSourcedId": self._school,
                "subjects": subject,
            }

    def _class_rows(self) -> Iterator[Row]:
        for number, sourced_id in enumerate(self._classes):
            group, subject = divmod(number, len(SUBJECTS))
            grade = GRADES[group % len(GRADES)]
            yield {
                "sourcedId": sourced_id,
                "title": f"{int(grade)}º {group // len(GRADES) + 1} · {SUBJECTS[subject]}",
                "grades": grade,
                "courseSourcedId": self._courses[subject],
                "classType": "scheduled",
                "schoolSourcedId": self._school,
                "termSourcedIds": self._year,
            }

    def _user_rows(self) -> Iterator[Row]:
        for number, (sourced_id, role) in enumerate(zip(self._ids, self._roles, strict=True), 1):
            yield {
                "sourcedId": sourced_id,
                "enabledUser": "true",
                "username": f"{role}{number}",
                "givenName": self._random.choice(GIVEN),
                "familyName": " ".join(self._random.choices(FAMILY, k=2)),
                **self._place(role),
            }

    def _place(self, role: str) -> Row:
        if self._version == "1.2":
            return {"primaryOrgSourcedId": self._school}
        # OneRoster 1.1 has no role for a principal.
        return {"orgSourcedIds": self._school, "role": "administrator" if role == "principal" else role}

    def _role_rows(self) -> Iterator[Row]:
        role_ids = self._new_ids(len(self._ids))
        for sourced_id, user_id, role in zip(role_ids, self._ids, self._roles, strict=True):
            yield {
                "sourcedId": sourced_id,
                "userSourcedId": user_id,
                "roleType": "primary",
                "role": role,
                "orgSourcedId": self._school,
            }

    def _enrolment_rows(self) -> Iterator[Row]:
        for number, class_id in enumerate(self._classes):
            yield self._enrolment(class_id, self._teachers[number % len(self._teachers)], "teacher")
            for student in self._groups[number // len(SUBJECTS)]:
                yield self._enrolment(class_id, student, "student")

    def _enrolment(self, class_id: str, user_id: str, role: str) -> Row:
        return {
            "sourcedId": self._new_ids(1)[0],
            "classSourcedId": class_id,
            "schoolSourcedId": self._school,
            "userSourcedId": user_id,
            "role": role,
            "primary": "true" if role == "teacher" else "false",
            "beginDate": "2026-02-04",
        }


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--users", default=100_000, show_default=True, help="Students, teachers and principals together.")
@click.option("--version", default="1.2", show_default=True, type=click.Choice(["1.1", "1.2"]), help="Of OneRoster.")
@click.option("--seed", default=1, show_default=True, help="The same number makes the same school.")
def main(folder: Path, users: int, version: str, seed: int) -> None:
    """Write the OneRoster export of an invented school into FOLDER."""
    write_school(folder, users, version=version, seed=seed)


if __name__ == "__main__":
    main()
