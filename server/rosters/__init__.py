"""Rosters: who is at the school and in which class, imported from the export of the school's information system.

`read` checks an export (OneRoster CSV 1.1 or 1.2) and makes a `Roster` of it without touching any database; `apply`
brings a database to it. Both raise `RosterErrors`, which holds every problem by file, line and column. `demo/` is an
export like any other: that of the demo school.
"""

from server.rosters.compare import Counts
from server.rosters.merge import Summary, apply
from server.rosters.problems import Problem, Remark, RosterErrors
from server.rosters.reader import read
from server.rosters.roster import Roster

__all__ = ["Counts", "Problem", "Remark", "Roster", "RosterErrors", "Summary", "apply", "read"]
