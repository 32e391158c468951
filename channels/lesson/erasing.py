"""Erasing a person by law: what becomes of the events and of the state that name them or have their words.

    payload, as JSON or as a snapshot keeps it -> Redaction -> the same without the name, and without the words

Where a user stands, as an author or anywhere else, the name is another one from then on. `unlink` also takes the
user's number, so that nothing shows which texts are by the same person. `remove` also takes the words: what the person
wrote, wherever it is quoted or copied, and what staff wrote about them. Positions, times, votes and kinds stay.

It goes by the names of fields, not by kinds of event: FREE_TEXT are those that a person writes. A test holds every
payload to this list.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.lesson import announcements, announcing, chat, flags
from channels.member import User

Way = Literal["keep", "unlink", "remove"]
WAYS: tuple[Way, ...] = ("keep", "unlink", "remove")

# What takes the place of text that may not be empty, such as the options of a poll.
GONE = "—"
# The number of a user who is nobody in particular any more.
NOBODY = 0

# The fields that people write in.
FREE_TEXT = frozenset(("text", "title", "note", "outcome", "question", "reason", "options"))


class PersonErased(msgspec.Struct, frozen=True):
    """A person was erased by law: `user` is how they are named from now on, `id` who it was.

    `way`: `keep`, their texts stay under this name; `unlink`, so they do, and no number shows which are by the same
    person; `remove`, their texts are gone. What earlier events say of them has been rewritten: join again.
    """

    id: int
    user: User
    way: Way


ERASED = EventType("person:erased", PersonErased, Delivery.DURABLE)


class _Keyed(msgspec.Struct):
    key: str | UnsetType = UNSET


class Redaction:
    """Rewrites what names one user, or has their words."""

    # The kinds of event that keep a push id when their author is erased: an announcement is looked up by it in all of
    # its topics.
    keyed = frozenset((announcements.SENT.name,))

    def __init__(self, erased: PersonErased) -> None:
        self.erased = erased
        self.user_id = erased.id
        self.removes = erased.way == "remove"
        self._unlinks = erased.way == "unlink"

    def event(self, kind: str, payload: bytes, *, about_theirs: bool = False) -> bytes | None:
        """Return an event's payload as it is from now on; None where nothing changes.

        `about_theirs`: the event amends one of theirs, and repeats its words or says why.
        """
        given = msgspec.json.decode(payload)
        changed = self._value(given, theirs=about_theirs)
        if self.removes and self._wrote(given):
            changed |= self._mark(kind, changed)
        return msgspec.json.encode(changed) if changed != given else None

    def state(self, snapshot: bytes) -> bytes | None:
        """Return a snapshot of a topic's state as it is from now on; None where nothing changes."""
        given = msgspec.msgpack.decode(snapshot)
        changed = self._value(given)
        return msgspec.msgpack.encode(changed) if changed != given else None

    def key(self, payload: bytes) -> str | None:
        """Return the push id that an event of a kind in `keyed` keeps when its author is erased; None: it has none."""
        key = msgspec.json.decode(payload, type=_Keyed).key
        return announcements.known_as(key) if key is not UNSET else None

    def detail(self, given: dict[str, Any], *, concerned: bool) -> dict[str, Any]:
        """Return the detail of an audit record; `concerned`: it is of or about them, and keeps numbers alone."""
        named: dict[str, Any] = self._value(given)
        if not concerned:
            return named
        return {name: value for name, value in named.items() if not isinstance(value, str | list | dict)}

    def _value(self, value: Any, *, theirs: bool = False) -> Any:
        if isinstance(value, dict):
            return self._object(value, theirs=theirs)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, bytes) and value.startswith(b"{"):  # the payload of an event in a snapshot
            return msgspec.json.encode(self._value(msgspec.json.decode(value)))
        return value

    def _object(self, value: dict[Any, Any], *, theirs: bool) -> dict[Any, Any]:
        if self._is_them(value) and "role" in value:
            return {**value, "id": NOBODY if self._unlinks else self.user_id, "name": self.erased.user.name}
        words = self.removes and (theirs or self._is_of(value))
        changed = {name: self._field(name, each, value, words=words) for name, each in value.items()}
        if words and "user" not in value:
            changed.pop("reason", None)
        if self._is_them(value.get("user")):
            changed |= {"name": self.erased.user.name} if "name" in value else {}
            changed |= {"user": NOBODY} if self._unlinks and isinstance(value["user"], int) else {}
        return changed

    def _field(self, name: Any, value: Any, of: dict[Any, Any], *, words: bool) -> Any:
        if words and name in FREE_TEXT and isinstance(value, str | list):
            # The text of a report is a copy of the reported message: its author's words, not the reporter's.
            return value if name == "text" and self._is_report_of_another(of) else _left(name, value)
        return self._value(value, theirs=words and name == "hidden")

    def _wrote(self, value: dict[str, Any]) -> bool:
        return self._is_them(value.get("author"))

    def _is_of(self, value: dict[Any, Any]) -> bool:
        return self._is_them(value.get("author")) or self._is_them(value.get("user"))

    def _is_report_of_another(self, value: dict[Any, Any]) -> bool:
        return "reason" in value and "user" in value and not self._is_them(value["user"])

    def _is_them(self, value: Any) -> bool:
        number = value.get("id") if isinstance(value, dict) else value
        return isinstance(number, int) and not isinstance(number, bool) and number == self.user_id

    def _mark(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        # Clients know what these mean: the text is gone because its author took it back.
        if kind == chat.SENT.name and "hidden" not in payload:
            return {"hidden": {"by": payload["author"]}}
        if kind == announcements.SENT.name and "withdrawn" not in payload:
            return {"withdrawn": {"by": payload["author"]}}
        if kind == announcing.SCHEDULED.name and "outcome" not in payload:
            return {"outcome": "cancelled"}
        return {}


def _left(name: str, value: str | list[str]) -> str | list[str]:
    """Return what is left of a text; of those that may not be empty, as little as there may be."""
    if name == "options":
        return value if isinstance(value, str) else [f"{GONE} {number}" for number in range(1, len(value) + 1)]
    if name == "reason":
        return value if value in flags.REASONS else flags.REASONS[-1]
    return ""
