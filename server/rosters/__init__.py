"""Rosters: who is at the school and in which class, imported from the export of the school's information system.

`read` checks an export (OneRoster CSV 1.1 or 1.2) and makes a `Roster` of it without touching any database; `preview`
says what it would change, `apply` brings a database to it, and `undo` takes the last import back. What cannot be
imported raises `RosterErrors`, which holds every problem by file, line and column. `demo/` is an export like any other:
that of the demo school.
"""

from server.rosters.compare import Counts
from server.rosters.merge import Outdated, Summary, apply, preview
from server.rosters.problems import Problem, Remark, RosterErrors
from server.rosters.reader import read
from server.rosters.roster import Roster
from server.rosters.undo import undo

__all__ = [
    "Counts",
    "Outdated",
    "Problem",
    "Remark",
    "Roster",
    "RosterErrors",
    "Summary",
    "apply",
    "preview",
    "read",
    "undo",
]
