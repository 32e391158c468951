"""Cards with new one-time codes for those of a class who have no password yet: asked for, then made and shown once.

They are the answer to the form, which nobody keeps: the codes are stored as hashes, and a lost sheet is made anew.
"""

from typing import ClassVar

from tornado.httputil import HTTPServerRequest

from channels.member import Classroom, RoleName
from server.cards.card import FIRST_SIGN_IN, Card, cards_of
from server.spreadsheet import as_csv
from server.views.base import Page, classroom_for


def origin_of(request: HTTPServerRequest) -> str:
    """Return the address under which the browser has the school, as far as the proxy in front of us tells."""
    return f"{request.protocol}://{request.host}"


class ClassCards(Page):
    """The page of a class's cards; `made_for` is the role that gets them (None: all who are in the class)."""

    made_for: ClassVar[RoleName | None] = None

    async def get(self, class_id: str) -> None:
        """Say for how many, and what becomes of earlier codes."""
        classroom = await self.classroom(class_id)
        waiting = await self.accounts.cards.waiting_in(classroom.id, self.made_for)
        await self.show("make_cards.html", page_data=self.page_data(), classroom=classroom, waiting=waiting)

    async def post(self, class_id: str) -> None:
        """Make them, and show them once."""
        classroom = await self.classroom(class_id)
        made = await self.accounts.cards.make(classroom.id, classroom.title, self.made_for, self.member.user.id)
        cards = cards_of(made, origin_of(self.request), self.zone)
        if self.get_body_argument("as", "") == "csv":
            self._send_sheet(classroom, cards)
            return
        address = f"{self.request.host}{FIRST_SIGN_IN}"
        here = self.request.path
        await self.show(
            "class_cards.html", page_data=self.page_data(), classroom=classroom, cards=cards, address=address, back=here
        )

    def _send_sheet(self, classroom: Classroom, cards: list[Card]) -> None:
        """Answer with a table, for schools that write their own letters."""
        translate = self.locale.translate
        who = translate("Class"), translate("Name"), translate("Login")
        header = [*who, translate("One-time code"), translate("Valid until")]
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="codes-{classroom.id}.csv"')
        self.finish(as_csv(header, [(*card[:4], card.expires.isoformat()) for card in cards]))

    async def classroom(self, class_id: str) -> Classroom:
        """Return the class, if cards may be made for it; anything else is a 404."""
        return classroom_for(self.member, class_id)
