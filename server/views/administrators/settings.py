"""What the office sets for the whole school, each with what it means; and the hours of its classes."""

from typing import NamedTuple

import msgspec

from channels.roles import administrators
from server.accounts.logo import MAX_LOGO_BYTES
from server.accounts.refusals import UserError
from server.databases.school_settings import SchoolSettings
from server.views.administrators.office import BodyPage, OfficePage
from server.views.principal.hours import HoursPage

SETTINGS = "/administrators/school/settings"
LOGO = f"{SETTINGS}/logo"
HOURS = "/administrators/school/hours"


class Right(NamedTuple):
    """A right that the school gives or withholds: the setting's name, and in words what it is and what it means."""

    name: str
    words: str
    hint: str


class OfficeHours(HoursPage):
    """The hours in which students write, the quiet hours and the time zone."""

    role = administrators.ROLE
    address = HOURS


class LogoUpload(BodyPage, OfficePage):
    """The school's logo, as the settings' script sends it."""

    most = MAX_LOGO_BYTES

    async def put(self) -> None:
        """Take the picture."""
        try:
            await self.accounts.set_logo(self.member, bytes(self.sent))
        except UserError as refused:
            self.write({"problem": self.problem_of(refused)})

    def problem_of(self, refused: UserError) -> str:
        """Return in words why it cannot be the logo."""
        translate = self.locale.translate
        self.set_status(422)
        words = {
            "svg": translate("An SVG can hold programs. Save the logo as PNG."),
            "large": translate("This file is too large: 512 KB at most."),
            "pixels": translate("This picture has too many pixels. Make it smaller."),
        }
        return words.get(refused.reason, translate("Choose a picture: PNG, JPEG or WebP."))


class RemoveLogo(OfficePage):
    """No logo of the school's own any more."""

    async def post(self) -> None:
        """Remove it."""
        await self.accounts.set_logo(self.member, None)
        self.redirect(f"{SETTINGS}?done=1", status=303)


class SettingsPage(OfficePage):
    """The settings, and their form."""

    def rights(self) -> list[Right]:
        """Return who may do what, with what each means."""
        translate = self.locale.translate
        return [
            Right(
                "students_react",
                translate("Students may react to messages"),
                translate("With one of six emoji, with their name."),
            ),
            Right(
                "students_amend",
                translate("Students may change and delete their own messages"),
                translate("Change within five minutes. Teachers can still read what was there before."),
            ),
            Right(
                "students_note",
                translate("Students may write to their teachers alone"),
                translate("All teachers of the class and the principal can read it."),
            ),
            Right(
                "students_see",
                translate("Students see who of their class is there"),
                translate("By name. Without it they see only how many are there; teachers see the names."),
            ),
            Right(
                "teachers_reset",
                translate("Teachers may give their students a new code"),
                translate(
                    "For a password that is forgotten in class. Without it, only the office can. Each one is recorded."
                ),
            ),
        ]

    async def get(self) -> None:
        """Show what is set; `done` says that the form has just set it."""
        await self.accounts.read_school()
        await self._show(self.accounts.settings, done=self.get_query_argument("done", ""))

    async def post(self) -> None:
        """Set all of it."""
        name, language, board = (self.get_body_argument(each, "") for each in ("name", "language", "board"))
        rights = {right.name: bool(self.get_body_argument(right.name, "")) for right in self.rights()}
        kept = self.accounts.settings
        wanted = msgspec.structs.replace(kept, name=name, language=language, board=board, **rights)
        try:
            await self.accounts.set_settings(self.member, wanted)
        except UserError as refused:
            await self._show(wanted, problem=self.problem_of(refused))
        else:
            self.redirect(f"{SETTINGS}?done=1", status=303)

    async def _show(self, shown: SchoolSettings, *, done: str = "", problem: str = "") -> None:
        translate = self.locale.translate
        boards = {
            "green": translate("Green"),
            "blue": translate("Blue"),
            "wine": translate("Wine red"),
            "graphite": translate("Graphite"),
        }
        told = {"shown": shown, "boards": boards, "rights": self.rights(), "done": done, "problem": problem}
        await self.show_office("settings.html", here=SETTINGS, **told)
