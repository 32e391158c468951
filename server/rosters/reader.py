"""Reads an export of a school's information system: OneRoster CSV 1.1 or 1.2, complete (bulk), a folder or a zip.

source (folder) or archive (zip) -> sheet (CSV) -> export (manifest) -> classes, people with roles, enrolments
                                                                        -> roster, or problems: all that there are
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from server.rosters.archive import Archive
from server.rosters.classes import read_classes, read_courses, read_orgs, read_sessions
from server.rosters.enrolments import read_enrolments
from server.rosters.export import Export, Progress
from server.rosters.lookalike import remark_on_lookalikes
from server.rosters.people import read_users
from server.rosters.problems import Problems
from server.rosters.roster import Roster
from server.rosters.source import Folder, Source


def read(path: Path, *, today: date | None = None, progress: Progress | None = None) -> Roster:
    """Read and check an export; raise RosterErrors with everything that is wrong with it.

    `today` decides which enrolments have begun and not ended; `progress` is told the bytes read, and of how many.
    """
    problems = Problems()
    with _open(Path(path), problems) as source:
        problems.check()
        export = Export(source, problems, today or date.today(), progress)  # noqa: DTZ011 — the school's own day
        roster = _read(export)
    problems.check()
    assert roster is not None
    return roster


def _read(export: Export) -> Roster | None:
    orgs, school = read_orgs(export)
    sessions = read_sessions(export)
    courses = read_courses(export, orgs, sessions)
    class_ids, classes = read_classes(export, orgs, sessions, courses)
    user_ids, users, relatives = read_users(export, orgs)
    enrolments = read_enrolments(export, user_ids, class_ids, orgs)
    if school is None:
        return None
    remark_on_lookalikes(users, export.problems.remarks)
    skipped, remarks = dict(export.skipped), export.problems.remarks.all()
    return Roster(export.version, school, users, classes, enrolments, skipped, remarks, relatives)


@contextmanager
def _open(path: Path, problems: Problems) -> Iterator[Source]:
    """Open a folder or zip; what cannot be opened at all is a problem as well."""
    try:
        source = Folder(path, problems) if path.is_dir() else Archive(path, problems)
    except (OSError, ValueError) as error:
        problems.add(path.name, 0, "", f"The file or folder cannot be opened: {error}.")
        problems.check()
        raise
    with closing(source):
        yield source
