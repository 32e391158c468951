"""The pages that several roles have alike: their classes, one class with its chat, announcements.

Each role's package makes them its own by a subclass, with its role and, where it wants to, its own templates.
"""

from typing import Any

from channels.limit import MAX_LISTED_STUDENTS
from channels.member import Classroom, User
from channels.topics.kind import class_topic
from server.clock import now_ms
from server.views.base import Page, classroom_for


class ClassesPage(Page):
    """All classes of the user, with who teaches them."""

    async def get(self) -> None:
        """Show them; what moves (previews, unread marks) comes by the socket."""
        await self.show("classes.html", page_data=self.page_data(classes=await self.classes()))

    async def classes(self) -> list[dict[str, Any]]:
        """Return the user's classes by title, as the scripts need them."""
        classes = sorted(self.member.classes.values(), key=lambda each: (each.ended, each.title.casefold()))
        teachers = await self.accounts.teachers([each.id for each in classes])
        return [_as_data(each, teachers[each.id]) for each in classes]


class ClassPage(ClassesPage):
    """One class: its chat, and the people in it."""

    async def get(self, class_id: str) -> None:  # type: ignore[override]  # the one argument is the address's
        """Show the class, if it is one of theirs; with `?joins`, answer with its newest events, for its scripts."""
        classroom = classroom_for(self.member, class_id)
        if self.get_query_argument("joins", None) is not None:
            self.finish(await self.joins(class_topic(classroom.id)))
        else:
            await self._show(classroom)

    async def _show(self, classroom: Classroom) -> None:
        joins = f"{self.request.path}?joins"
        teachers = (await self.accounts.teachers([classroom.id]))[classroom.id]
        data = self.page_data(
            classroom=_as_data(classroom, teachers),
            people=[_person(user) for user in await self.people(classroom)],
            classes=await self.siblings(),
            joins=joins,
            may_reset=self.accounts.settings.teachers_reset,
        )
        await self.show("class.html", classroom=classroom, joins=joins, page_data=data)

    async def people(self, classroom: Classroom) -> list[User]:
        """Return who is in the class, where it is small enough that they see each other come and go."""
        return await self.accounts.classmates(classroom.id) if classroom.students <= MAX_LISTED_STUDENTS else []

    async def siblings(self) -> list[dict[str, Any]]:
        """Return the classes to list beside this one."""
        return await self.classes()


class AnnouncementsPage(ClassesPage):
    """Everything announced to the user, and for staff a form to announce."""

    async def get(self) -> None:
        """Show the page; announcements come by the socket."""
        grades = await self.accounts.grades()
        classes = [{**each, "grade": grades.get(each["id"], "")} for each in await self.classes()]
        quiet = self.accounts.hours.quiet_period(now_ms())
        data = self.page_data(classes=classes, quiet_until=None if quiet is None else quiet.ends)
        await self.show("announcements.html", page_data=data)


def _as_data(classroom: Classroom, teachers: list[User]) -> dict[str, Any]:
    return {
        "id": classroom.id,
        "title": classroom.title,
        "students": classroom.students,
        "ended": classroom.ended,
        "teachers": [user.name for user in teachers],
    }


def _person(user: User) -> dict[str, Any]:
    return {"id": user.id, "name": user.name, "role": user.role}
