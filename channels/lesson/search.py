"""Finding what was said: messages and announcements of all topics that the user may join, by their words.

The index has only what is shown now: an edited text is found by its new words, a hidden one by none.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.field import EventName, Milliseconds, Position, PushId, Title, TopicName
from channels.journal.search_index import Hit, Place
from channels.journal.words import stems, stems_of, words
from channels.lesson.feature import Action, Push, Reply
from channels.limit import MAX_EXCERPT_CHARACTERS, MAX_SEARCH_CHARACTERS, SEARCH_HITS
from channels.member import User

_WORD = re.compile(r"[^\W_]+")
# How much of an excerpt comes before the first word that was found.
_BEFORE = MAX_EXCERPT_CHARACTERS // 3

Wanted = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SEARCH_CHARACTERS, examples=["avaliação"])]


class SearchFind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Find what has all of these words, in any form; in one topic, or in all that the user may join.

    `before` is what an earlier answer said of where to go on.
    """

    text: Wanted
    topic: TopicName | None = None
    before: Place | None = None
    id: PushId | None = None


class SearchHit(msgspec.Struct, frozen=True):
    """An event that was found: a part of its text, and the words of that part that were found."""

    topic: TopicName
    seq: Position
    at: Milliseconds
    event: EventName
    author: User
    title: Title
    excerpt: str
    words: tuple[str, ...]


class SearchFound(msgspec.Struct, frozen=True):
    """The hits, newest first; `next`, where there are more: the `before` for the next ones."""

    hits: tuple[SearchHit, ...]
    next: Place | UnsetType = UNSET


class _Said(msgspec.Struct, frozen=True):
    author: User
    text: str = ""
    title: str = ""


async def _find(push: Push[SearchFind]) -> Reply[SearchFound]:
    given = push.payload
    topics = push.readable(push.member)
    if given.topic is not None:
        if given.topic not in topics:
            raise Refused(Code.FORBIDDEN, f"you may not read {given.topic}")
        topics = [given.topic]
    found = await push.journal.find(given.text, topics, given.before, SEARCH_HITS + 1)
    shown, wanted = found[:SEARCH_HITS], stems(given.text)
    hits = tuple(_hit(each, wanted) for each in shown)
    return Reply(SearchFound(hits, shown[-1].place if len(found) > SEARCH_HITS else UNSET))


def _hit(hit: Hit, wanted: set[str]) -> SearchHit:
    said = msgspec.json.decode(hit.payload, type=_Said)
    excerpt, found = excerpt_of(said.text, wanted)
    return SearchHit(hit.topic, hit.seq, hit.place.at, hit.event, said.author, said.title, excerpt, found)


def excerpt_of(text: str, wanted: set[str]) -> tuple[str, tuple[str, ...]]:
    """Return the part of a text around the first word that has one of these stems, and such words of that part."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    places = list(_places(text, wanted))
    start = _begin(text, places[0].start()) if places else 0
    end = _end(text, start + MAX_EXCERPT_CHARACTERS)
    found = dict.fromkeys(each.group() for each in places if start <= each.start() and each.end() <= end)
    excerpt = f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"
    return excerpt, tuple(found)


def _places(text: str, wanted: set[str]) -> Iterator[re.Match[str]]:
    for place in _WORD.finditer(text):
        if any(stems_of(word) & wanted for word in words(place.group())):
            yield place


def _begin(text: str, place: int) -> int:
    if place <= _BEFORE:
        return 0
    return text.rfind(" ", 0, place - _BEFORE) + 1 or place - _BEFORE


def _end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    blank = text.rfind(" ", 0, end)
    return blank if blank > end - _BEFORE else end


FIND = Action("search:find", SearchFind, _find, SearchFound, reads=True)
