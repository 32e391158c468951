"""The document is valid AsyncAPI and agrees with the code."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from channels import errors, roles
from channels.errors import Closing, Code
from channels.limit import MAX_TEXT_CHARACTERS
from server.asyncapi import TABLES, make_document
from tests.lousa import ROOT
from tests.programs import ProgramMissing, program

CHECK = ROOT / "tests/asyncapi"
# The parser takes half a minute of CPU for the whole document; beside other tests several times that.
CHECK_SECONDS = 400


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # As clients read it: decoded from JSON.
    found: dict[str, Any] = json.loads(json.dumps(make_document("https://lousa.example:8443")))
    return found


def _checked(document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    if not (CHECK / "node_modules/@asyncapi/parser").is_dir():
        raise ProgramMissing("@asyncapi/parser (npm)", "nodejs npm, then npm ci --ignore-scripts in tests/asyncapi")
    command = [program("node", "nodejs"), "check.mjs"]
    return subprocess.run(
        command, cwd=CHECK, input=json.dumps(document), capture_output=True, text=True, timeout=CHECK_SECONDS
    )


def test_asyncapi_parser_accepts_the_document_of_one_role() -> None:
    tables = replace(TABLES, roles=tuple(role for role in roles.ROLES if role.name == "student"))
    done = _checked(make_document("https://lousa.example:8443", tables))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_asyncapi_parser_accepts_the_document(document: dict[str, Any]) -> None:
    done = _checked(document)
    assert done.returncode == 0, done.stdout + done.stderr


def test_asyncapi_parser_rejects_an_invalid_document(document: dict[str, Any]) -> None:
    wrong = {"action": "send", "channel": {"$ref": "#/channels/nowhere"}}
    small = {"asyncapi": document["asyncapi"], "info": document["info"], "operations": {"wrong": wrong}}
    assert _checked(small).returncode == 1


def test_each_role_has_its_servers_at_the_schools_address(document: dict[str, Any]) -> None:
    servers = document["servers"]
    assert {server["pathname"] for server in servers.values()} == {
        path for role in roles.ROLES for path, _ in roles.routes(role)
    }
    socket = servers["student.websocket"]
    assert (socket["host"], socket["protocol"], socket["tags"]) == ("lousa.example:8443", "wss", [{"name": "student"}])
    plain = make_document("http://127.0.0.1:8888")["servers"]["principal.websocket"]
    assert (plain["host"], plain["protocol"]) == ("127.0.0.1:8888", "ws")


def test_topic_lists_the_servers_of_roles_that_may_join(document: dict[str, Any]) -> None:
    servers = {each["$ref"].removeprefix("#/servers/") for each in document["channels"]["dashboard"]["servers"]}
    assert {name.partition(".")[0] for name in servers} == {"principal"}


def test_operations_name_the_roles_that_may_use_them(document: dict[str, Any]) -> None:
    def roles(operation: str) -> set[str]:
        return {tag["name"] for tag in document["operations"][operation]["tags"]}

    assert roles("class.message.send") == {"student", "teacher", "principal"}
    assert roles("class.announcement.send") == {"teacher", "principal"}
    assert roles("school.announcement.send") == {"principal"}
    assert roles("school.announcement.sent") == {"student", "teacher", "principal", "administrator"}
    assert roles("role.students.phx_join") == {"student", "principal"}


def test_schemas_contain_limits_and_positions(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["MessageSend"]["properties"]["text"]["maxLength"] == MAX_TEXT_CHARACTERS
    assert schemas["MessageSent"]["required"] == ["text", "author", "seq", "at"]
    assert list(schemas["MessageSent"]["properties"])[:2] == ["text", "author"]
    assert list(schemas["MessageSent"]["properties"])[-2:] == ["seq", "at"]


def test_every_error_and_close_code_has_its_advice(document: dict[str, Any]) -> None:
    codes = document["components"]["schemas"]["Code"]
    told = dict(zip(codes["enum"], codes["x-enum-descriptions"], strict=True))
    assert told == {code.value: code.meaning for code in Code}
    closings = {each.code for each in vars(errors).values() if isinstance(each, Closing)}
    assert {each["code"] for each in document["x-close-codes"]} == closings
    assert [each["reconnect"] for each in document["x-close-codes"] if each["code"] == 4001] == [False]


def test_everything_is_described(document: dict[str, Any]) -> None:
    components = document["components"]
    for name, part in [*components["messages"].items(), *components["schemas"].items(), *document["channels"].items()]:
        assert part.get("description"), name
