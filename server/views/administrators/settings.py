"""What the office sets for the whole school, each with what it means; and the hours of its classes."""

from channels.roles import administrators
from server.accounts.refusals import UserError
from server.databases.school_settings import SchoolSettings
from server.views.administrators.office import OfficePage
from server.views.principal.hours import HoursPage

SETTINGS = "/administrators/school/settings"
HOURS = "/administrators/school/hours"


class OfficeHours(HoursPage):
    """The hours in which students write, the quiet hours and the time zone."""

    role = administrators.ROLE
    address = HOURS


class SettingsPage(OfficePage):
    """The settings, and their form."""

    async def get(self) -> None:
        """Show what is set; `done` says that the form has just set it."""
        await self.accounts.read_school()
        await self._show(self.accounts.settings, done=self.get_query_argument("done", ""))

    async def post(self) -> None:
        """Set all of it."""
        name, language, board = (self.get_body_argument(each, "") for each in ("name", "language", "board"))
        wanted = SchoolSettings(name, language, board, bool(self.get_body_argument("teachers_reset", "")))
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
        told = {"shown": shown, "boards": boards, "done": done, "problem": problem}
        await self.show_office("settings.html", here=SETTINGS, **told)
