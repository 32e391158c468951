"""A small school as OneRoster 1.1 CSV: a teacher, a principal, and one class of as many students as a test needs."""

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


def write_school(folder: Path, students: int) -> list[str]:
    """Write the roster into a new folder, and return the students' logins."""
    folder.mkdir(parents=True)
    logins = [f"student{number:05}" for number in range(1, students + 1)]
    for name, rows in _tables(logins).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADERS[name].split(","))
            writer.writerows(rows)
    return logins


def _tables(logins: Sequence[str]) -> dict[str, list[list[str]]]:
    users = {TEACHER: "teacher", PRINCIPAL: "administrator"} | dict.fromkeys(logins, "student")
    members = {login: role for login, role in users.items() if login != PRINCIPAL}
    tables = {
        "orgs": [["school", "", "", "Escola de Teste", "school", "", ""]],
        "academicSessions": [["year", "", "", "2026", "schoolYear", "2026-01-01", "2026-12-31", "", "2026"]],
        "courses": [["course", "", "", "year", "Teste", "T", "06", "school", "", ""]],
        "classes": [["class", "", "", "Turma", "06", "course", "T1", "scheduled", "", "school", "year", *[""] * 3]],
        "users": [_user(login, role) for login, role in users.items()],
        "enrollments": [_enrolment(login, role) for login, role in members.items()],
    }
    bulk = [[f"file.{name}", "bulk"] for name in tables]
    absent = [[f"file.{name}", "absent"] for name in _ABSENT]
    return {"manifest": [["manifest.version", "1.0"], ["oneroster.version", "1.1"], *bulk, *absent], **tables}


def _user(login: str, role: str) -> list[str]:
    return [login, "", "", "true", "school", role, login, "", login.title(), "Silva", *[""] * 8]


def _enrolment(login: str, role: str) -> list[str]:
    return [f"e-{login}", "", "", "class", "school", login, role, "", "", ""]
