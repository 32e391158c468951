"""What becomes of payloads when a person is erased; and that every text in every payload is known to be one."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import msgspec.inspect
import pytest

from channels.event import Delivery
from channels.lesson.erasing import FREE_TEXT, PersonErased, Redaction, Way
from channels.member import User
from channels.roles import ROLES

ANA = {"id": 1, "name": "Ana", "role": "student"}
BRUNO = {"id": 2, "name": "Bruno", "role": "student"}
FORMER = {"id": 1, "name": "Former pupil", "role": "student"}

# Fields of text that nobody writes: names of topics, keys, codes, and names of users in objects of their own.
NO_TEXT = {"topic", "to", "key", "id", "role", "name", "mark", "emoji", "mode", "outcome"}

STORED = {event.name: event for role in ROLES for event in role.emitted() if event.delivery is Delivery.DURABLE}


def redaction(way: Way = "remove") -> Redaction:
    return Redaction(PersonErased(1, User(0 if way == "unlink" else 1, "Former pupil", "student"), way))


def changed(kind: str, payload: dict[str, Any], way: Way = "remove", **options: bool) -> Any:
    found = redaction(way).event(kind, json.dumps(payload).encode(), **options)
    return json.loads(found) if found is not None else None


def texts(kind: Any, name: str = "") -> Iterator[str]:
    """Yield the names of the fields that hold text, in all that a type is made of."""
    if isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            yield from texts(field.type, field.name)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for each in kind.types:
            yield from texts(each, name)
    elif isinstance(kind, msgspec.inspect.ListType):
        yield from texts(kind.item_type, name)
    elif isinstance(kind, msgspec.inspect.Metadata):
        yield from texts(kind.type, name)
    elif isinstance(kind, msgspec.inspect.StrType):
        yield name


@pytest.mark.parametrize("name", sorted(STORED))
def test_every_text_of_a_stored_payload_is_known(name: str) -> None:
    unknown = set(texts(msgspec.inspect.type_info(STORED[name].payload))) - FREE_TEXT - NO_TEXT
    assert not unknown, "a text that an erasure would leave: add its field to FREE_TEXT"


def test_own_message_loses_its_words_and_is_hidden() -> None:
    sent = {"text": "palavra", "author": ANA, "id": "a1", "quote": {"author": BRUNO, "text": "dele"}}
    assert changed("message:sent", sent) == {
        "text": "",
        "author": FORMER,
        "id": "a1",
        "quote": {"author": BRUNO, "text": "dele"},
        "hidden": {"by": FORMER},
    }


def test_quotes_and_reactions_of_others_lose_the_person() -> None:
    quote, reactions = {"author": ANA, "text": "dela"}, [{"emoji": "👍", "users": [BRUNO, ANA]}]
    sent = {"text": "não", "author": BRUNO, "quote": quote, "reactions": reactions}
    found = changed("message:sent", sent)
    assert found["text"] == "não"
    assert found["quote"] == {"author": FORMER, "text": ""}
    assert found["reactions"][0]["users"] == [BRUNO, FORMER]


def test_report_by_the_person_keeps_the_words_of_the_other() -> None:
    flagged = {
        "target": 4,
        "topic": "class:7",
        "reason": "insult",
        "user": BRUNO,
        "author": ANA,
        "text": "dele",
        "note": "eu",
    }
    found = changed("message:flagged", flagged)
    assert (found["text"], found["note"], found["author"]) == ("dele", "", FORMER)


def test_report_on_the_person_loses_the_copy() -> None:
    flagged = {"target": 4, "topic": "class:7", "reason": "disse", "user": ANA, "author": BRUNO, "text": "dela"}
    found = changed("message:flagged", flagged)
    assert (found["text"], found["reason"], found["user"]) == ("", "other", FORMER)


def test_poll_keeps_the_number_of_its_options() -> None:
    opened = {"question": "Quanto?", "options": ["a", "b"], "anonymous": False, "changeable": False, "author": ANA}
    found = changed("poll:opened", opened)
    assert (found["question"], len(set(found["options"]))) == ("", 2)
    msgspec.convert(found, STORED["poll:opened"].payload)


@pytest.mark.parametrize("way", ["keep", "unlink"])
def test_other_ways_keep_the_words(way: Way) -> None:
    found = changed("message:sent", {"text": "palavra", "author": ANA}, way)
    assert (found["text"], found["author"]["id"]) == ("palavra", 0 if way == "unlink" else 1)


def test_what_does_not_concern_the_person_stays() -> None:
    assert changed("message:sent", {"text": "não", "author": BRUNO}) is None
    assert changed("message:hidden", {"target": 4, "author": BRUNO, "reason": "ofensa"}) is None
    assert changed("message:hidden", {"target": 4, "author": BRUNO, "reason": "ofensa"}, about_theirs=True) == {
        "target": 4,
        "author": BRUNO,
    }


def test_erasing_twice_changes_nothing_more() -> None:
    once = changed("message:sent", {"text": "palavra", "author": ANA})
    assert changed("message:sent", once) is None
