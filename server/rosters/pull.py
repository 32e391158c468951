"""Pulls a roster from a provider into files like those of an export, so that the same checks read it.

    provider: {"users": [{"sourcedId": …, "orgs": [{"sourcedId": …}]}]}  ->  users.csv, manifest.csv, …  ->  reader

Which version a provider follows shows in its users, not in its label: those of 1.2 have a list of roles.
"""

import asyncio
import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from server.rosters.export import Progress
from server.rosters.provider import LISTS, Access, Provider, Record
from server.rosters.reader import read
from server.rosters.roster import Roster
from server.rosters.work import Source

Row = Sequence[str]


def from_provider(access: Access, **waits: float) -> Source:
    """Return the source that pulls a whole roster from a provider."""

    async def pull(today: date, progress: Progress) -> Roster:
        lists = await _read_all(access, progress, waits)
        with tempfile.TemporaryDirectory(prefix="lousa-pull-") as folder:
            await asyncio.to_thread(_write, Path(folder), lists)
            return await asyncio.to_thread(read, Path(folder), today=today)

    return pull


async def _read_all(access: Access, progress: Progress, waits: Mapping[str, float]) -> dict[str, list[Record]]:
    provider, done = Provider(access, **waits), 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(done, 0)  # how many there are, many providers do not say

    try:
        return {name: await provider.read(name, tick) for name in LISTS}
    finally:
        provider.close()


def _write(folder: Path, lists: Mapping[str, list[Record]]) -> None:
    users = lists["users"]
    is_newer = any(isinstance(user.get("roles"), list) for user in users)
    for name, columns in _COLUMNS.items():
        _write_csv(folder / f"{name}.csv", columns, lists[name])
    names = [*_COLUMNS, "roles"] if is_newer else [*_COLUMNS]
    if is_newer:
        _write_rows(folder / "roles.csv", _ROLE_COLUMNS, (row for user in users for row in _roles(user)))
    version = [("oneroster.version", "1.2" if is_newer else "1.1")]
    _write_rows(
        folder / "manifest.csv", ("propertyName", "value"), [*version, *((f"file.{each}", "bulk") for each in names)]
    )


def _write_csv(path: Path, columns: Mapping[str, Callable[[Record], str]], records: Iterable[Record]) -> None:
    _write_rows(path, tuple(columns), ([value(record) for value in columns.values()] for record in records))


def _write_rows(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


_ROLE_COLUMNS = ("sourcedId", "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId")


def _roles(user: Record) -> Iterable[Row]:
    user_id = _text(user.get("sourcedId"))
    for number, role in enumerate(user.get("roles") or ()):
        if isinstance(role, dict):
            plain = [_text(role.get(name)) for name in ("roleType", "role", "beginDate", "endDate")]
            yield [f"{user_id}-{number}", user_id, *plain, _id(role.get("org"))]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def _id(value: Any) -> str:
    return _text(value.get("sourcedId")) if isinstance(value, dict) else ""


def _plain(name: str) -> Callable[[Record], str]:
    return lambda record: _text(record.get(name))


def _reference(name: str) -> Callable[[Record], str]:
    return lambda record: _id(record.get(name))


def _references(name: str) -> Callable[[Record], str]:
    return lambda record: ",".join(map(_id, record.get(name) or ()))


def _words(name: str) -> Callable[[Record], str]:
    return lambda record: ",".join(map(_text, record.get(name) or ()))


def _columns(*plain: str, **more: Callable[[Record], str]) -> dict[str, Callable[[Record], str]]:
    return {name: _plain(name) for name in ("sourcedId", "status", *plain)} | more


_COLUMNS = {
    "orgs": _columns("name", "type", parentSourcedId=_reference("parent")),
    "academicSessions": _columns("title", "type", "startDate", "endDate", parentSourcedId=_reference("parent")),
    "courses": _columns("title", schoolYearSourcedId=_reference("schoolYear"), orgSourcedId=_reference("org")),
    "classes": _columns(
        "title",
        grades=_words("grades"),
        courseSourcedId=_reference("course"),
        schoolSourcedId=_reference("school"),
        termSourcedIds=_references("terms"),
    ),
    "users": _columns(
        *("enabledUser", "username", "givenName", "familyName", "identifier", "email", "role"),
        *("preferredGivenName", "preferredFamilyName"),
        orgSourcedIds=_references("orgs"),
        agentSourcedIds=_references("agents"),
        primaryOrgSourcedId=_reference("primaryOrg"),
    ),
    "enrollments": _columns(
        *("role", "beginDate", "endDate"),
        classSourcedId=_reference("class"),
        schoolSourcedId=_reference("school"),
        userSourcedId=_reference("user"),
    ),
}
