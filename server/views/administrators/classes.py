"""The classes of the school, and the people of one of them."""

from urllib.parse import urlencode

from tornado.web import HTTPError

from channels.member import Classroom
from server.databases.people import PersonPlace, WantedPeople
from server.views.administrators.office import ID, OfficePage
from server.views.administrators.people import MAX_TEXT_CHARACTERS, find_classes

CLASSES = "/administrators/classes"
CLASS = f"{CLASSES}/{ID}"

# One page of classes: the lists of most schools, whole.
PAGE_CLASSES = 100
# The people of all but the largest classes.
PAGE_PEOPLE = 200


class ClassesOfSchool(OfficePage):
    """All classes by title, or those that are looked for."""

    async def get(self) -> None:
        """Show a page of them."""
        text = self.get_query_argument("text", "")[:MAX_TEXT_CHARACTERS]
        page = self.get_query_argument("page", "0")
        if not (page.isascii() and page.isdigit() and len(page) <= 6):
            raise HTTPError(400, "no such page")
        start = int(page) * PAGE_CLASSES
        found = find_classes((await self.accounts.classrooms()).values(), text)
        more = start + PAGE_CLASSES < len(found)
        await self.show_office(
            "classes_of_school.html",
            classes=found[start : start + PAGE_CLASSES],
            text=text,
            more="?" + urlencode({"text": text, "page": int(page) + 1}) if more else "",
        )


class PeopleOfClass(OfficePage):
    """The people of one class: its teachers and its students, by name."""

    async def get(self, class_id: str) -> None:
        """Show them."""
        classroom = await self.find(int(class_id))
        found = await self.accounts.office.find(WantedPeople(class_id=classroom.id), self._after(), PAGE_PEOPLE + 1)
        shown = found[:PAGE_PEOPLE]
        last = shown[-1].account if len(found) > PAGE_PEOPLE else None
        await self.show_office(
            "class_of_school.html",
            classroom=classroom,
            people=sorted(shown, key=lambda each: each.account.role == "student"),
            more="?" + urlencode({"after": f"{last.id}{last.folded}"}) if last else "",
        )

    async def find(self, class_id: int) -> Classroom:
        """Return a class; 404 where there is none."""
        classroom = (await self.accounts.classrooms()).get(class_id)
        if classroom is None:
            raise HTTPError(404, "no such class")
        return classroom

    def _after(self) -> PersonPlace | None:
        return self.place(self.get_query_argument("after", "", strip=False))
