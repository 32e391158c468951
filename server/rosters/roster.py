"""A roster as read from an export: a school, its users, its classes, and who belongs to which.

There are hundreds of thousands of these at once, so they are structs that the garbage collector need not walk, and
an enrolment names its user and class by number: their place in the roster.
"""

from collections.abc import Mapping, Sequence

import msgspec

from channels.member import RoleName
from server.databases.folded import folded
from server.rosters.problems import Remark


class School(msgspec.Struct, frozen=True):
    """The school itself; `line` is where orgs.csv has it."""

    sourced_id: str
    name: str
    line: int


class User(msgspec.Struct, frozen=True, gc=False):
    """A student, teacher or principal; `login` is casefolded, `line` and `column` say where users.csv has it."""

    number: int
    sourced_id: str
    login: str
    name: str
    role: RoleName
    line: int
    column: str

    @property
    def folded(self) -> str:
        """Return what they are found by."""
        return folded(self.name, self.login)


class SchoolClass(msgspec.Struct, frozen=True, gc=False):
    """A class, with the grades that it is for as the export writes them."""

    number: int
    sourced_id: str
    title: str
    grade: str


class Enrolment(msgspec.Struct, frozen=True, gc=False):
    """That the user with number `user` belongs to the class with number `school_class`, as student or teacher.

    `begins` and `ends` are the first and the last day, as ISO dates; None: no bound.
    """

    sourced_id: str
    user: int
    school_class: int
    role: RoleName
    begins: str | None = None
    ends: str | None = None


class Relative(msgspec.Struct, frozen=True, gc=False):
    """A guardian or relative of the student with number `student`; `kind` is the export's word, as `guardian`."""

    student: int
    sourced_id: str
    name: str
    kind: str


class Roster(msgspec.Struct, frozen=True):
    """All that an export says and that checks have found sound.

    `skipped` counts what was left out, by what it is: the people of other roles by their role's name (`parent`), …
    `remarks` are what was ignored or read as it was meant, with the first places of each. `relatives` are kept, and get
    no account.
    """

    version: str
    school: School
    users: Sequence[User]
    classes: Sequence[SchoolClass]
    enrolments: Sequence[Enrolment]
    skipped: Mapping[str, int]
    remarks: Sequence[Remark] = ()
    relatives: Sequence[Relative] = ()
