"""A small valid export as text, of which each test changes one thing."""

import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from server import rosters

TODAY = date(2026, 6, 1)

Files = dict[str, str]
Folder = Callable[[Mapping[str, str | bytes]], Path]
Read = Callable[[Mapping[str, str | bytes]], rosters.Roster]
Refuse = Callable[[Mapping[str, str | bytes]], list[rosters.Problem]]


def _csv(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


_COMMON: Mapping[str, str] = {
    "orgs.csv": _csv(
        "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId", "o1,,,Escola do Vale,school,,"
    ),
    "academicSessions.csv": _csv(
        "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
        "y1,,,2026,schoolYear,2026-02-01,2026-12-19,,2026",
        "t1,,,1º semestre,semester,2026-02-01,2026-07-10,y1,2026",
    ),
    "courses.csv": _csv(
        "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        "k1,,,y1,Matemática,MAT,06,o1,,",
    ),
    "classes.csv": _csv(
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
        "termSourcedIds,subjects,subjectCodes,periods",
        'c1,,,6º A · Matemática,06,k1,,scheduled,,o1,"t1,y1",,,',
        "c2,,,6º B · Matemática,06,k1,,Homeroom,,o1,t1,,,",
    ),
    "enrollments.csv": _csv(
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "e1,,,c1,o1,s1,student,false,,",
        "e2,,,c2,o1,s2,student,false,,",
        "e3,,,c1,o1,p1,teacher,true,,",
        "e4,,,c2,o1,p1,teacher,true,,",
    ),
}
_MANIFEST = (
    "manifest.version,1.0",
    *(f"file.{name},bulk" for name in ("academicSessions", "classes", "courses", "enrollments", "orgs", "users")),
)


def export_12() -> Files:
    """Return a school with a student in each of two classes, their teacher, the principal and a parent (1.2)."""
    return {
        "manifest.csv": _csv("propertyName,value", *_MANIFEST, "oneroster.version,1.2", "file.roles,bulk"),
        **_COMMON,
        "users.csv": _csv(
            "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
            "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
            "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
            "s1,,,true,Ana,,Ana,Ribeiro,,,,,,,,,,,,,o1,",
            "s2,,,true,bruno,,Bruno,Lima,,,,,,,,,,,,,o1,",
            "p1,,,true,paula,,Paula,Nogueira,,,,,,,,,,,,,o1,",
            "d1,,,true,diretora,,Helena,Prado,,,,,,,,,,,,,o1,",
            "x1,,,true,,,Rui,Ribeiro,,,,,,,,,,,,,o1,",
        ),
        "roles.csv": _csv(
            "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
            "userProfileSourcedId",
            "r1,,,s1,primary,student,,,o1,",
            "r2,,,s2,primary,student,,,o1,",
            "r3,,,p1,primary,teacher,,,o1,",
            "r4,,,d1,primary,principal,,,o1,",
            "r5,,,x1,primary,parent,,,o1,",
        ),
    }


def export_11() -> Files:
    """Return the same school as OneRoster 1.1 has it."""
    return {
        "manifest.csv": _csv("propertyName,value", *_MANIFEST, "oneroster.version,1.1"),
        **_COMMON,
        "users.csv": _csv(
            "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
            "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
            "s1,,,true,o1,student,Ana,,Ana,Ribeiro,,,,,,,,",
            "s2,,,true,o1,student,bruno,,Bruno,Lima,,,,,,,,",
            "p1,,,true,o1,teacher,paula,,Paula,Nogueira,,,,,,,,",
            "d1,,,true,o1,administrator,diretora,,Helena,Prado,,,,,,,,",
            "x1,,,true,o1,parent,,,Rui,Ribeiro,,,,,,,,",
        ),
    }


def change(files: Files, name: str, old: str, new: str) -> Files:
    """Return the export with one text of one file replaced."""
    assert old in files[name], f"{old!r} is not in {name}"
    return {**files, name: files[name].replace(old, new)}


def add(files: Files, name: str, *lines: str) -> Files:
    """Return the export with lines added to one file."""
    return {**files, name: files[name] + _csv(*lines)}


def without(files: Files, *names: str) -> Files:
    """Return the export without some files, marked as absent in the manifest."""
    manifest = files["manifest.csv"]
    for name in names:
        manifest = manifest.replace(f"file.{name},bulk", f"file.{name},absent")
    kept = {name: text for name, text in files.items() if name.removesuffix(".csv") not in names}
    return {**kept, "manifest.csv": manifest}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Create the folder and write the files into it."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files into a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def problems_of(path: Path) -> list[rosters.Problem]:
    """Read an invalid export, and return its problems."""
    with pytest.raises(rosters.RosterErrors) as refused:
        rosters.read(path, today=TODAY)
    assert str(refused.value)
    return list(refused.value.problems)
