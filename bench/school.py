"""Makes up a school of any size as a OneRoster export, the same one for the same seed.

A school of 100,000 users is as many students, teachers and principals as can be had; its other figures follow those of
a real one: a student has 6 classes, a class some 28 students, a teacher some 4 classes. Ids are UUIDs, as in most exports.

    python -m bench.school FOLDER --users 100000
"""

import csv
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from bench.names import FAMILY, GIVEN

CLASSES_OF_A_STUDENT = 6
STUDENTS_OF_A_CLASS = 28
# Of 1,000 users so many are teachers, and one is a principal.
TEACHERS_OF_1000 = 50
SUBJECTS = ("Matemática", "Língua Portuguesa", "Ciências", "História", "Geografia", "Inglês")
GRADES = ("06", "07", "08", "09")

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
    """Write the export of a school with so many users into the folder, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    school = _School(users, version, random.Random(seed))
    for name, rows in school.files():
        _write(folder / f"{name}.csv", _columns(name, version), rows)
    names = [
        "academicSessions",
        "classes",
        "courses",
        "enrollments",
        "orgs",
        *(["roles"] if version == "1.2" else []),
        "users",
    ]
    properties = {"manifest.version": "1.0", "oneroster.version": version, **{f"file.{name}": "bulk" for name in names}}
    manifest = ({"propertyName": name, "value": value} for name, value in properties.items())
    _write(folder / "manifest.csv", ["propertyName", "value"], manifest)


def _columns(name: str, version: str) -> list[str]:
    own = _COLUMNS[f"users {version}" if name == "users" else name]
    return ["sourcedId", "status", "dateLastModified", *own.split(",")]


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
        self._roles = (
            ["principal"] * principals + ["teacher"] * teachers + ["student"] * (users - principals - teachers)
        )
        self._ids = self._new_ids(users)
        self._teachers = self._ids[principals : principals + teachers]
        self._students = self._ids[principals + teachers :]
        places = len(self._students) * CLASSES_OF_A_STUDENT
        self._classes = self._new_ids(max(CLASSES_OF_A_STUDENT, places // STUDENTS_OF_A_CLASS))
        self._school, self._year, *self._courses = self._new_ids(2 + len(SUBJECTS))

    def _new_ids(self, count: int) -> list[str]:
        return [str(uuid.UUID(int=self._random.getrandbits(128), version=4)) for _ in range(count)]

    def files(self) -> Iterator[tuple[str, Iterable[Row]]]:
        """Give each data file with its rows; what is not given is empty, as `status` in a bulk export."""
        yield "orgs", [{"sourcedId": self._school, "name": "Rede Municipal de Ipê-Roxo", "type": "school"}]
        yield (
            "academicSessions",
            [{"sourcedId": self._year, "title": "2026", "type": "schoolYear", "schoolYear": "2026"}],
        )
        yield "courses", self._course_rows()
        yield "classes", self._class_rows()
        yield "users", self._user_rows()
        if self._version == "1.2":
            yield "roles", self._role_rows()
        yield "enrollments", self._enrolment_rows()
