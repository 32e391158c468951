"""The people of the school, found by name, login or class: the first page of the office."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlencode

from tornado.web import HTTPError

from channels.member import Classroom
from server.accounts.office import ListedPerson
from server.databases.folded import folded_words
from server.databases.people import STATES, PersonPlace, WantedPeople
from server.views.administrators.office import OfficePage

# One page of the list: what one looks through at a glance or two.
PAGE_PEOPLE = 50
# Classes that have what was typed in their titles; who types more of a title sees the others.
SHOWN_CLASSES = 8
# No name or login is longer.
MAX_TEXT_CHARACTERS = 255
# More classes than the largest school has, at some 150 bytes each.
_FOLDED_TITLES = 32_768


class PeoplePage(OfficePage):
    """Everybody, by name; or those who are looked for."""

    async def get(self) -> None:
        """Show a page of them."""
        wanted = self._wanted()
        found = await self.accounts.office.find(wanted, self._after(), PAGE_PEOPLE + 1)
        shown = found[:PAGE_PEOPLE]
        await self.show_office(
            "people.html",
            wanted=wanted,
            people=shown,
            classes=await self._classes(wanted.text),
            more=_address(wanted, shown[-1]) if len(found) > PAGE_PEOPLE else "",
            is_first=self._after() is None,
            first=_address(wanted, None),
        )

    def _wanted(self) -> WantedPeople:
        text, role, state = (
            self.get_query_argument(name, "")[:MAX_TEXT_CHARACTERS] for name in ("text", "role", "state")
        )
        if role not in ("", *self.roles()) or state not in ("", *STATES):
            raise HTTPError(400, "not what the page sends")
        return WantedPeople(text.strip(), role, state)

    def _after(self) -> PersonPlace | None:
        return self.place(self.get_query_argument("after", "", strip=False))

    async def _classes(self, text: str) -> list[Classroom]:
        """Return the first classes whose titles have all that was typed."""
        rooms = (await self.accounts.classrooms()).values()
        return find_classes(rooms, text)[:SHOWN_CLASSES] if folded_words(text) else []


def find_classes(rooms: Iterable[Classroom], text: str) -> list[Classroom]:
    """Return the classes whose titles have words that begin as each of those that were typed."""
    words = folded_words(text)
    return [room for room in rooms if all(f" {word}" in _folded_title(room.title) for word in words)]


@lru_cache(_FOLDED_TITLES)
def _folded_title(title: str) -> str:
    return "".join(f" {word}" for word in folded_words(title))


def _address(wanted: WantedPeople, last: ListedPerson | None) -> str:
    after = f"{last.account.id}{last.account.folded}" if last else ""
    chosen = {"text": wanted.text, "role": wanted.role, "state": wanted.state, "after": after}
    return "?" + urlencode({name: value for name, value in chosen.items() if value})
