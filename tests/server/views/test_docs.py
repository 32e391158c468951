import json
import re

import pytest

from channels.errors import Code
from server.asyncapi import make_document
from server.views.docs.reader import Reader
from server.views.docs.types import LINE_CHARACTERS, example_lines, type_words, words_of
from tests.server.views.visitor import Visitor

PAGE = "/docs/protocol"


async def test_protocol_page_is_public_and_complete(visitor: Visitor) -> None:
    page = await visitor.get(PAGE)
    assert page.status == 200
    document = make_document(visitor.url)
    said: dict[str, list[str]] = {}  # of each type, what the messages that carry it say of themselves
    for message in document["components"]["messages"].values():
        assert page.has(message["name"]) or message["name"] == "phx_reply"
        for carried in re.findall('#/components/schemas/([^"]+)', json.dumps(message["payload"])):
            said.setdefault(carried, []).append(message["description"])
    for channel in document["channels"].values():
        assert page.has(channel["address"])
        assert page.has(channel["description"].partition("`")[0])
    for name, schema in document["components"]["schemas"].items():
        texts = [schema["description"], *said.get(name, ())]
        assert any(page.has(text.partition("`")[0].partition("\n")[0]) for text in texts), name
    for code in Code:
        assert page.has(code.meaning.partition("`")[0])
    assert page.has(f"{visitor.url.replace('http', 'ws')}/students/socket/websocket")


@pytest.mark.parametrize("query", ["", "?role=student", "?role=teacher", "?role=principal"])
async def test_every_link_target_is_on_the_page_once(query: str, visitor: Visitor) -> None:
    page = await visitor.get(PAGE + query)
    places = re.findall(r'\sid="([^"]+)"', page.text)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= set(places)


async def test_page_of_a_role_shows_only_its_part(visitor: Visitor) -> None:
    student = await visitor.get(f"{PAGE}?role=student")
    assert student.has("message:send")
    assert not student.has("announcement:send")
    assert not student.has("dashboard:changed")
    assert not student.has("Receipts")
    assert not student.has("/principal/socket")
    assert (await visitor.get(f"{PAGE}?role=principal")).has("dashboard:changed")
    assert (await visitor.get(f"{PAGE}?role=caretaker")).status == 404


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{PAGE}.json", {}),
        (PAGE, {"Accept": "application/json"}),
        (PAGE, {"Accept": "application/vnd.aai.asyncapi+json;version=3.0.0, application/json;q=0.5"}),
    ],
)
async def test_document_names_the_address_of_the_request(path: str, headers: dict[str, str], visitor: Visitor) -> None:
    answer = await visitor.get(path, **headers)
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text) == json.loads(json.dumps(make_document(visitor.url)))


async def test_browser_gets_the_page_instead_of_the_document(visitor: Visitor) -> None:
    answer = await visitor.get(PAGE, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Accept" in answer.headers["Vary"]


async def test_frame_of_the_page_is_in_the_readers_language(visitor: Visitor) -> None:
    visitor.language = "pt-BR"
    page = await visitor.get(PAGE)
    assert page.has("O protocolo")
    assert page.has("Códigos de encerramento")
    assert page.has("A text to the class, which may answer")


async def test_host_name_is_never_markup(visitor: Visitor) -> None:
    page = await visitor.get(PAGE, Host="<b>x</b>")
    assert "<b>x</b>" not in page.text


def test_page_of_a_role_describes_only_its_types() -> None:
    everything, student = (Reader(make_document("http://x"), role) for role in (None, "student"))
    assert {each.name for each in student.types} < {each.name for each in everything.types}
    assert "Totals" not in {each.name for each in student.types}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string, 1 to 9 characters"),
        ({"type": "integer", "minimum": 0, "maximum": 2**53}, "integer, 0 to 2^53"),
        ({"type": "integer", "minimum": 0}, "integer, 0 or more"),
        ({"anyOf": [{"type": "string", "pattern": "^a$"}, {"type": "null"}]}, "string, ^a$ or null"),
        ({"enum": ["a", "b"]}, '"a" | "b"'),
        ({"const": True}, "true"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/User"}}, "list of User"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "by name, integer"),
        ({}, "anything"),
    ],
)
def test_schema_is_described_in_words(schema: dict[str, object], words: str) -> None:
    assert "".join(word.text for word in type_words(schema, lambda name: f"type-{name}")) == words


def test_backquoted_text_is_shown_as_code() -> None:
    assert [(word.text, word.is_code) for word in words_of("again after\n`retry_after`.")] == [
        ("again after ", False),
        ("retry_after", True),
        (".", False),
    ]


def test_long_example_is_broken_into_lines_with_the_same_value() -> None:
    short, long = ["1", {"a": "x"}], [None, "class:7", {"a": "x" * 60, "b": [1, 2, {"c": "y" * 70, "d": "z" * 50}]}]
    assert example_lines(short) == '["1", {"a": "x"}]'
    lines = example_lines(long)
    assert json.loads(lines) == long
    assert all(len(line) <= LINE_CHARACTERS for line in lines.splitlines())
