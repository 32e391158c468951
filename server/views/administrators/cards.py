"""Cards for the first sign-in, made by the school's office: which classes need some, and those of a class."""

from typing import NamedTuple

from tornado.web import HTTPError

from channels.member import Classroom
from channels.roles import administrators
from server.views.administrators.classes import CLASS
from server.views.administrators.office import OfficePage
from server.views.administrators.people import MAX_TEXT_CHARACTERS, find_classes
from server.views.cards import ClassCards

CARDS = "/administrators/cards"
CARDS_OF_CLASS = f"{CLASS}/cards"

# Classes on a page: who has more finds one by its title.
SHOWN_CLASSES = 100


class Waiting(NamedTuple):
    """A class, and how many of it have no password yet."""

    classroom: Classroom
    people: int


class CardsPage(OfficePage):
    """The classes in which somebody has no password yet, by title."""

    async def get(self) -> None:
        """Show the first of them, or those that have what was typed in their titles."""
        text = self.get_query_argument("text", "")[:MAX_TEXT_CHARACTERS].strip()
        waiting = await self.accounts.cards.waiting()
        rooms = [each for each in find_classes((await self.accounts.classrooms()).values(), text) if each.id in waiting]
        shown = [Waiting(room, waiting[room.id]) for room in rooms[:SHOWN_CLASSES]]
        await self.show_office("cards_needed.html", text=text, waiting=shown, more=len(rooms) - len(shown))


class OfficeCards(ClassCards):
    """The cards of one class."""

    role = administrators.ROLE

    async def classroom(self, class_id: str) -> Classroom:
        """Return any class of the school."""
        classroom = (await self.accounts.classrooms()).get(int(class_id))
        if classroom is None:
            raise HTTPError(404, "no such class")
        return classroom
