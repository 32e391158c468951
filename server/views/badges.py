"""Badges of a class's students, to print: each signs its owner in, where the school has switched badges on."""

from tornado.web import HTTPError

from channels.member import Classroom
from server.cards.card import badge_address, qr_code
from server.views.base import Page, classroom_for
from server.views.cards import origin_of


class ClassBadges(Page):
    """The page of a class's badges: for all of its students, or for one who has lost theirs."""

    may_switch = False

    async def get(self, class_id: str) -> None:
        """Say who may have one, and what becomes of earlier ones."""
        classroom = await self.classroom(class_id)
        pupils, are_on = await self.accounts.badges.pupils(classroom.id), await self.accounts.badges.are_on()
        told = {"pupils": pupils, "are_on": are_on, "may_switch": self.may_switch}
        await self.show("make_badges.html", page_data=self.page_data(), classroom=classroom, **told)

    async def post(self, class_id: str) -> None:
        """Make them, and show them once."""
        classroom = await self.classroom(class_id)
        if not await self.accounts.badges.are_on():
            raise HTTPError(403, "badges are switched off")
        one = self.get_body_argument("user", "")
        pupils = [each for each in await self.accounts.badges.pupils(classroom.id) if one in ("", str(each.id))]
        made = await self.accounts.badges.make(pupils, self.member.user.id)
        badges = [(each.name, qr_code(badge_address(origin_of(self.request), each.secret))) for each in made]
        told = {"classroom": classroom, "badges": badges, "back": self.request.path}
        await self.show("class_badges.html", page_data=self.page_data(), **told)

    async def classroom(self, class_id: str) -> Classroom:
        """Return the class, if badges may be made for it; anything else is a 404."""
        return classroom_for(self.member, class_id)
