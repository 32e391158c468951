import json
import struct

import pytest

from server.views.shell import FILES
from server.views.static import VERSION, bundled, path_of
from tests.server.people import People
from tests.server.views.visitor import Visitor


async def test_manifest_names_the_school_and_icons_that_are_there(visitor: Visitor) -> None:
    answer = await visitor.get("/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest = json.loads(answer.text)
    assert manifest["name"] == "Escola das Araucárias · Lousa"
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    sizes = set()
    for icon in manifest["icons"]:
        found = bundled().find(icon["src"].removeprefix(f"/{VERSION}"))
        assert found is not None
        width, height = struct.unpack(">II", found.body[16:24])  # of a PNG file's first part
        assert icon["sizes"] == f"{width}x{height}"
        sizes.add((icon["sizes"], icon["purpose"]))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/favicon.ico", "image/x-icon", b"\x00\x00\x01\x00"),
        ("/apple-touch-icon.png", "image/png", b"\x89PNG"),
        ("/apple-touch-icon-precomposed.png", "image/png", b"\x89PNG"),
    ],
)
async def test_icons_are_where_browsers_look_unasked(path: str, kind: str, begin: bytes, visitor: Visitor) -> None:
    answer = await visitor.raw(path, "gzip")
    assert (answer.code, answer.headers["Content-Type"]) == (200, kind)
    assert answer.body.startswith(begin)


async def test_service_worker_changes_with_the_release_and_names_files(visitor: Visitor) -> None:
    answer = await visitor.get("/service_worker.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    begin = answer.text.splitlines()[0].removeprefix("self.SHELL = ").removesuffix(";")
    shell = json.loads(begin)
    assert shell["version"] == VERSION
    for address in (shell["page"], *shell["files"]):
        assert (await visitor.get(address)).status == 200
    assert len(shell["files"]) == len(FILES)
    assert all(bundled().find(path_of(file)) is not None for file in FILES)


async def test_page_without_a_network_is_the_same_for_everybody(visitor: Visitor, people: People) -> None:
    answer = await visitor.get("/offline")
    assert answer.has("No connection")
    assert answer.has("Sem conexão")
    assert "modulepreload" not in answer.text  # its script needs nothing that the service worker does not keep
