"""Small exports with the columns and habits of public samples and of several vendors; the people are invented."""

from pathlib import Path
from typing import NamedTuple

import pytest

from server import rosters
from server.databases import DbSessions
from tests.server.rosters.exports import TODAY

SAMPLES = Path(__file__).parent / "samples"


class Expected(NamedTuple):
    """What a sample holds: users as `login: name`, the enrolments' number, what was left out and remarked on."""

    school: str
    users: dict[str, str]
    enrolments: int
    skipped: dict[str, int] = {}  # noqa: RUF012 (never changed)
    remarks: dict[str, int] = {}  # noqa: RUF012


IGNORED = "references to nothing, ignored"
EXPECTED = {
    # Columns of 1.0 in 1.1, others in between, and files of a header alone.
    "base-1.1": Expected(
        "Escola Norte",
        {"otto": "Otto Prates", "lia": "Lia Prates", "noel": "Noel Campos"},
        4,
        remarks={IGNORED: 2},
    ),
    # The school is a department of another one; a teacher learns in a class; an enrolment is last year's. A father is
    # kept with his child.
    "full-1.1": Expected(
        "Departamento de História",
        {"tito.rocha": "Tito Rocha", "mara.reis": "Mara Reis", "ivo.leme": "Ivo Leme"},
        2,
        {
            "classes marked as gone": 1,
            "enrolments that have ended": 1,
            "enrolments of people or in classes that are skipped": 1,
        },
        {IGNORED: 2, "enrolments in a role that is not the user's, left out": 1},
    ),
    # Misspelled and nameless columns, and rows shorter than the header.
    "full-1.2": Expected(
        "Escola Sul",
        {"tito.rocha": "Tito Rocha", "mara.reis": "Mara Reis", "helio.dias": "Hélio Dias"},
        2,
        {"siteadministrator": 1},
        {IGNORED: 1, "rows without their last empty values, or with more": 4},
    ),
    # A byte order mark, columns of the country's own, and a name with a variant of a character.
    "japan-1.2": Expected("北町小学校", {"tsuji.hana": "花 辻\U000e0100", "mori.ken": "健 森"}, 2),
    # Every value quoted, no end of the last line, a staff member and an enrolment of nobody.
    "quoted-1.1": Expected(
        "Escola do Lago",
        {"rui.pais": "Rui Pais", "eva.melo": "Eva Melo", "sol.aires": "Sol Aires"},
        2,
        {"staff": 1},
        {IGNORED: 1, "enrolments of people or in classes that are not in the export, left out": 1},
    ),
    # As Excel saves “Unicode text”, in Portuguese, with the columns that are needed.
    "excel-1.1": Expected(
        "Escola São João",
        {"jose": "José Conceição", "ines": "Inês Araújo"},
        2,
        remarks={"people enabled or not by another word than true and false": 2},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_is_read_as_it_is_meant(name: str) -> None:
    roster = rosters.read(SAMPLES / name, today=TODAY)
    found = Expected(
        roster.school.name,
        {user.login: user.name for user in roster.users},
        len(roster.enrolments),
        dict(roster.skipped),
        {remark.what: remark.times for remark in roster.remarks},
    )
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
async def test_sample_is_imported_and_again_changes_nothing(name: str, sessions: DbSessions) -> None:
    roster = rosters.read(SAMPLES / name, today=TODAY)
    assert (await rosters.apply(sessions, roster)).enrolments.created == EXPECTED[name].enrolments
    assert not (await rosters.apply(sessions, roster)).changed


def test_every_sample_is_expected() -> None:
    assert {folder.name for folder in SAMPLES.iterdir()} == set(EXPECTED)
