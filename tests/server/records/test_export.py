"""What is kept of a person is given out whole, without the words of others, and safe to open."""

import io
import json
import zipfile
from zoneinfo import ZoneInfo

import pytest

from server.audit.audit import Audit
from server.databases import Databases
from server.records.export import archive, export_person
from server.records.export_page import as_page
from tests.channels.support import ANA, BRUNO, PAULA
from tests.server.records.conftest import MakeWorker
from tests.server.records.test_erase import CLASS, STAFF, joined, of, plant

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


async def test_export_has_own_words_and_nobody_elses(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    ana, bruno = await joined(worker, of(ANA), of(BRUNO))
    (paula,) = await joined(worker, of(PAULA), topics=(CLASS, STAFF))
    target = await plant(ana, bruno, paula)
    theirs = int((await bruno.ok(CLASS, "message:send", {"text": "palavra do Bruno", "id": "b9"}))["seq"])
    await ana.ok(CLASS, "message:send", {"text": "respondo", "reply_to": theirs, "mentions": [2], "id": "a8"})
    await ana.ok(CLASS, "message:flag", {"target": theirs, "reason": "insult", "note": "feio", "id": "a9"})
    await Audit(databases).catch_up()
    made = await export_person(databases, 1)
    texts = [each.get("text") for each in made.wrote if each["kind"] == "message:sent"]
    assert texts[-1] == "respondo"
    assert [each["text"] for each in made.former_versions if each["position"] == target]
    assert any(each.get("note") == "feio" for each in made.wrote)
    assert made.attendance[0]["mark"] == "late"
    assert ("message:hidden", "Paula") in {(each["kind"], each["by"]) for each in made.read_by}
    told = json.dumps([made.wrote, made.former_versions, made.attendance], ensure_ascii=False)
    for foreign in ("palavra do Bruno", "Não concordo", "Bruno", "Vamos começar"):
        assert foreign not in told


async def test_page_of_an_export_is_never_markup(databases: Databases, school: int, make_worker: MakeWorker) -> None:
    worker = await make_worker()
    (ana,) = await joined(worker, of(ANA))
    await ana.ok(CLASS, "message:send", {"text": "<script>alert(1)</script>", "id": "a1"})
    made = await export_person(databases, 1)
    packed = zipfile.ZipFile(io.BytesIO(archive(made, as_page(made, "en", ZoneInfo("UTC"), str))))
    page = packed.read("records.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<th>When</th>" in page
    assert "<td>Message</td>" in page
    assert json.loads(packed.read("records.json"))["wrote"][0]["text"] == "<script>alert(1)</script>"
