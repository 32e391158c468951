"""What the office sets for the whole school, each with what it means; and the hours of its classes."""

from typing import NamedTuple

from channels.roles import administrators
from server.accounts.refusals import UserError
from server.databases.school_settings import SchoolSettings
from server.views.administrators.office import OfficePage
from server.views.principal.hours import HoursPage

SETTINGS = "/administrators/school/settings"
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
        wanted = SchoolSettings(name, language, board, **rights)
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
