"""A small school as OneRoster 1.1 CSV: a principal and any number of teachers, students and classes."""

import csv
from collections.abc import Sequence
from pathlib import Path

TEACHER, PRINCIPAL = "teacher", "principal"

_HEADERS = {
    "manifest": "propertyName,value",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    "subjectCodes",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "users": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
}
_ABSENT = ("categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results")


def write_school(folder: Path, students: int, classes: int = 1, teachers: Sequence[str] = (TEACHER,)) -> list[str]:
    """Write the roster into a new folder and return the students' logins.

    With several classes the n-th student is in the n-th and the next one; teachers are in all.
    """
    folder.mkdir(parents=True)
    logins = [f"student{number:05}" for number in range(1, students + 1)]
    for name, rows in _tables(logins, classes, teachers).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADERS[name].split(","))
            writer.writerows(rows)
    return logins


def _tables(logins: Sequence[str], classes: int, teachers: Sequence[str]) -> dict[str, list[list[str]]]:
    users = dict.fromkeys(teachers, "teacher") | {PRINCIPAL: "administrator"} | dict.fromkeys(logins, "student")
    tables = {
        "orgs": [["school", "", "", "Escola de Teste", "school", "", ""]],
        "academicSessions": [["year", "", "", "2026", "schoolYear", "2026-01-01", "2026-12-31", "", "2026"]],
        "courses": [["course", "", "", "year", "Teste", "T", "06", "school", "", ""]],
        "classes": [_class(number) for number in range(classes)],
        "users": [_user(login, role) for login, role in users.items()],
        "enrollments": [_enrolment(*member) for member in _members(logins, classes, teachers)],
    }
    bulk = [[f"file.{name}", "bulk"] for name in tables]
    absent = [[f"file.{name}", "absent"] for name in _ABSENT]
    return {"manifest": [["manifest.version", "1.0"], ["oneroster.version", "1.1"], *bulk, *absent], **tables}


def _user(login: str, role: str) -> list[str]:
    return [login, "", "", "true", "school", role, login, "", login.title(), "Silva", *[""] * 8]


def _class(number: int) -> list[str]:
    code = f"T{number + 1}"
    return [
        f"class{number}",
        "",
        "",
        f"Turma {number + 1}",
        "06",
        "course",
        code,
        "scheduled",
        "",
        "school",
        "year",
        *[""] * 3,
    ]


def _members(logins: Sequence[str], classes: int, teachers: Sequence[str]) -> list[tuple[str, str, int]]:
    teaching = [(teacher, "teacher", number) for teacher in teachers for number in range(classes)]
    places = sorted({(n, (n + step) % classes) for n in range(len(logins)) for step in (0, 1)})
    return [*teaching, *((logins[n], "student", number) for n, number in places)]


def _enrolment(login: str, role: str, number: int) -> list[str]:
    return [f"e-{login}-{number}", "", "", f"class{number}", "school", login, role, "", "", ""]
