"""What the pages of the school's office have in common."""

import re
from typing import Any, ClassVar

from tornado.web import HTTPError, stream_request_body

from channels.roles import administrators
from server.accounts.office import NewCode
from server.accounts.refusals import UserError
from server.cards.card import first_sign_in, in_groups, qr_code
from server.databases.people import PersonPlace
from server.role_words import role_words
from server.views.base import Page
from server.views.cards import origin_of

# No id has more digits: a 64-bit key.
ID = "([0-9]{1,18})"
_PLACE = re.compile(r"(?P<id>[0-9]{1,18})(?P<folded>( [^ ]+)*)")


@stream_request_body
class BodyPage(Page):
    """A page to which a script sends a file, or a part of one; `most` is how long its body may be."""

    most: ClassVar[int]

    async def prepare(self) -> None:
        """Let the body be so long for those who may send it."""
        await super().prepare()
        self.sent = bytearray()
        if not self._finished:
            self.request.connection.set_max_body_size(self.most)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of it."""
        self.sent += chunk


class OfficePage(Page):
    """A page of the school's office."""

    role = administrators.ROLE

    def roles(self) -> dict[str, str]:
        """Return the words for each role, in the order of the table of roles."""
        words = role_words(self.locale.translate)
        return {role.name: words.get(role.name, role.name) for role in self.tables.roles}

    async def show_office(self, template: str, **values: Any) -> None:
        """Show one of the office's pages."""
        given = {"problem": "", "day": self.reader.day, **values}
        await self.show(template, page_data=self.page_data(), roles=self.roles(), **given)

    async def show_code(self, made: NewCode, back: str) -> None:
        """Show a new code on its card, once: the answer to the form that made it, which nobody keeps."""
        qr = qr_code(first_sign_in(origin_of(self.request), made.login, made.code))
        await self.show_office("code.html", made=made, code=in_groups(made.code), qr=qr, back=back)

    def place(self, text: str) -> PersonPlace | None:
        """Return a place in a list of people, as an address has it: an id, and the folded name behind it."""
        found = _PLACE.fullmatch(text)
        if text and not found:
            raise HTTPError(400, "no such place")
        return PersonPlace(found["folded"], int(found["id"])) if found else None

    def number(self, name: str) -> int:
        """Return an id that a form of the page sends."""
        text = self.get_body_argument(name, "")
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise HTTPError(400, "not what the page sends")
        return int(text)

    def problem_of(self, refused: UserError) -> str:
        """Return in words why something cannot be, and refuse it."""
        self.set_status(422)
        translate = self.locale.translate
        words = {
            "own": translate("This is your own account. Ask another administrator, or use “Password and devices”."),
            "last": translate("Nobody else could run the school then. Make another administrator first, who signs in."),
            "ended": translate("This account cannot sign in: it is disabled, or has left the roster."),
            "roster": translate("This comes from the roster. Change it in the school's own system."),
            "taken": translate("Somebody else has this login. Choose another."),
            "login": translate("A login has 1 to 255 characters, and no blanks."),
            "name": translate("A name has 1 to 255 characters."),
            "language": translate("Choose one of the languages."),
            "board": translate("Choose one of the colours."),
            "label": translate("A token needs a name of 1 to 64 characters."),
            "nobody": translate("Nobody with this login may sign in."),
            "months": translate("Write months as a number: 1 to 240, or nothing."),
            "hold-nobody": translate("There is no such login, or no such class."),
            "held": translate("A legal hold on them, or on a class of theirs, forbids it. Lift it first."),
            "class": translate("They cannot be in this class."),
        }
        return words.get(refused.reason, translate("That did not work."))
