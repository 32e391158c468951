"""The roster's pages: what is uploaded, shown, applied and undone, by a step's own process."""

import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from server import rosters
from server.databases import DbSessions
from server.rosters.uploads import MAX_UPLOAD_BYTES, PIECE_BYTES, Uploads
from tests.server.rosters.exports import Files, Read, change, export_11, write_zip
from tests.server.rosters.test_merge import with_more
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
ROSTER = "/administrators/roster"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that reads an export."""
    return lambda files: rosters.read(write_zip(tmp_path / "read.zip", files))


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


class Office:
    """What the page's script and its user do."""

    def __init__(self, visitor: Visitor, uploads: Uploads, folder: Path) -> None:
        self.visitor = visitor
        self._uploads = uploads
        self._folder = folder

    async def upload(self, files: Files) -> str:
        """Upload a zip in pieces, wait for its check, and return the import's address."""
        data = write_zip(self._folder / "export.zip", files).read_bytes()
        address = await self.begin()
        for start in range(0, len(data), 1_000):
            answer = await self.visitor.put(f"{address}/files/export.zip?offset={start}", data[start : start + 1_000])
            assert answer.status == HTTPStatus.OK
        assert (await self.visitor.post(f"{address}/check")).status == HTTPStatus.OK
        await self._uploads.apart.finished()
        return address

    async def begin(self) -> str:
        """Begin an upload."""
        answer = await self.visitor.post(f"{ROSTER}/uploads", name="export.zip")
        return f"{ROSTER}/{json.loads(answer.text)['id']}"

    async def step(self, address: str, step: str, **fields: str) -> str:
        """Take a step, wait for its end, and return how it ended."""
        answer = await self.visitor.post(f"{address}/{step}", **fields)
        assert (answer.status, answer.location) == (HTTPStatus.SEE_OTHER, address)
        await self._uploads.apart.finished()
        return str(json.loads((await self.visitor.get(f"{address}/state")).text)["state"])


@pytest.fixture
def office(secretaria: Visitor, uploads: Uploads, tmp_path: Path) -> Office:
    """Return the office's page."""
    return Office(secretaria, uploads, tmp_path)


def of_this_school(files: Files) -> Files:
    """Return the export of the school that the pages' tests have."""
    return {name: text.replace("o1", "school") for name, text in files.items()}


async def test_upload_is_shown_then_applied_and_undone(office: Office, sessions: DbSessions, tmp_path: Path) -> None:
    del sessions
    address = await office.upload(of_this_school(change(export_11(), "users.csv", "Ana,,Ana", "zoe,,Zoe")))
    page = await office.visitor.get(address)
    assert page.has("What would change")
    assert not (tmp_path / "rosters" / address.rpartition("/")[2]).exists(), "what was read is deleted"
    assert (await office.visitor.get(f"{address}/names?list=user:new")).has("Zoe Ribeiro")
    assert not (await office.visitor.get("/administrators/?text=zoe")).has("Zoe Ribeiro")
    assert await office.step(address, "apply") == "applied"
    assert (await office.visitor.get("/administrators/?text=zoe")).has("Zoe Ribeiro")
    assert (await office.visitor.get(ROSTER)).has("applied")
    assert await office.step(address, "undo") == "undone"
    assert (await office.visitor.get("/administrators/?text=zoe&state=left")).has("Zoe Ribeiro")
    audit = await office.visitor.get("/audit?kind=school")
    assert audit.has("The roster was imported")
    assert audit.has("The last import of the roster was undone")


async def test_refused_export_says_what_to_correct(office: Office) -> None:
    address = await office.upload(of_this_school(change(export_11(), "users.csv", "student,Ana", "king,Ana")))
    page = await office.visitor.get(address)
    assert page.has("This export cannot be imported")
    assert page.has("“king” is not a role of OneRoster 1.1.")
    assert page.has("users.csv:2 role")
    assert (await office.visitor.post(f"{address}/apply")).status == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_half_export_is_applied_only_with_its_number(office: Office, sessions: DbSessions, read: Read) -> None:
    by_hand = {"ana": "s-ana", "paula": "s-paula", "diretora": "s-diretora"}
    whole = export_11()
    for login, other in by_hand.items():
        whole["users.csv"] = re.sub(f",{login},", f",{other},", whole["users.csv"], flags=re.IGNORECASE)
    whole = of_this_school(whole)
    await rosters.apply(sessions, read(with_more(whole, 20)))
    address = await office.upload(whole)
    assert (await office.visitor.get(address)).has("Type how many would end: 40")
    for number in ("", "39"):
        refused = await office.visitor.post(f"{address}/apply", confirm_ended=number)
        assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert refused.has("That is not the number.")
    assert await office.step(address, "apply", confirm_ended="40") == "applied"


async def test_files_that_are_no_export_are_refused(office: Office) -> None:
    address = await office.begin()
    for name, body in (("secret.txt", b"x"), ("demographics.csv", b"x")):
        assert (await office.visitor.put(f"{address}/files/{name}?offset=0", body)).status == 422
    for path in ("files/users.csv?offset=-1", "files/users.csv?offset=", "names?list=x"):
        answer = await office.visitor.put(f"{address}/{path}", b"x")
        assert answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.METHOD_NOT_ALLOWED)
    assert (await office.visitor.put(f"{address}/files/users.csv?offset=5", b"x")).status == 422, "a gap"
    assert PIECE_BYTES < MAX_UPLOAD_BYTES


async def test_uploaded_files_belong_to_their_owner_only(office: Office, tmp_path: Path) -> None:
    address = await office.begin()
    await office.visitor.put(f"{address}/files/users.csv?offset=0", b"ab")
    await office.visitor.put(f"{address}/files/users.csv?offset=1", b"bc")
    (place,) = (tmp_path / "rosters").glob("*/users.csv")
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (b"abc", 0o600)
    assert await office.step(address, "discard") == "discarded"
    assert (await office.visitor.put(f"{address}/files/users.csv?offset=3", b"d")).status == 422


async def test_only_the_office_uploads_rosters(signed_in: SignedIn, office: Office) -> None:
    address = await office.begin()
    for login in ("ana", "paula", "diretora"):
        visitor = await signed_in(login)
        assert (await visitor.get(ROSTER)).status == HTTPStatus.FORBIDDEN
        assert (await visitor.post(f"{ROSTER}/uploads", name="x")).status == HTTPStatus.FORBIDDEN
        assert (await visitor.put(f"{address}/files/users.csv?offset=0", b"x")).status == HTTPStatus.FORBIDDEN
