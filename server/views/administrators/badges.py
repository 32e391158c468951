"""Badges for small children, in the school's office: made for a class, and switched on and off for the school."""

from tornado.web import HTTPError

from channels.member import Classroom
from channels.roles import administrators
from server.views.administrators.classes import CLASS, CLASSES
from server.views.administrators.office import OfficePage
from server.views.badges import ClassBadges

BADGES = "/administrators/badges"
BADGES_OF_CLASS = f"{CLASS}/badges"


class OfficeBadges(ClassBadges):
    """The badges of any class."""

    role = administrators.ROLE
    may_switch = True

    async def classroom(self, class_id: str) -> Classroom:
        """Return any class of the school."""
        classroom = (await self.accounts.classrooms()).get(int(class_id))
        if classroom is None:
            raise HTTPError(404, "no such class")
        return classroom


class SwitchBadges(OfficePage):
    """The switch."""

    async def post(self) -> None:
        """Switch badges on or off, and go back to the class."""
        class_id, wanted = self.number("class_id"), self.get_body_argument("on", "")
        if wanted not in ("0", "1"):
            raise HTTPError(400, "not what the page sends")
        await self.accounts.badges.switch(self.member.user.id, on=wanted == "1")
        self.redirect(f"{CLASSES}/{class_id}/badges", status=303)
