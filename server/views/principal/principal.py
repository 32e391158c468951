"""The pages of the principal."""

from typing import Any

from channels.roles import principal
from server.views.attendance import AttendanceData, AttendancePage, AttendanceSheet
from server.views.base import Page
from server.views.classroom import AnnouncementsPage, ClassPage
from server.views.transcript import Transcript


class Dashboard(Page):
    """The school, live."""

    role = principal.ROLE

    async def get(self) -> None:
        """Show the page; all that it shows comes by the socket."""
        await self.show("dashboard.html", page_data=self.page_data())


class PrincipalClass(ClassPage):
    """Any class of the school."""

    role = principal.ROLE

    async def siblings(self) -> list[dict[str, Any]]:
        """List none: a school may have hundreds, and the dashboard shows them."""
        return []


class PrincipalTranscript(Transcript):
    """The transcript of any class of the school."""

    role = principal.ROLE


class PrincipalAnnouncements(AnnouncementsPage):
    """Announcing to the school, to a role or to a class, and who has read it."""

    role = principal.ROLE

    async def classes(self) -> list[dict[str, Any]]:
        """Return every class of the school, to choose one from."""
        return [{"id": each.id, "title": each.title} for each in self.member.classes.values()]


class PrincipalAttendance(AttendancePage):
    """Who was in the lessons of a class."""

    role = principal.ROLE


class PrincipalAttendanceData(AttendanceData):
    """The same, for the page's scripts."""

    role = principal.ROLE


class PrincipalAttendanceSheet(AttendanceSheet):
    """The same, for a spreadsheet."""

    role = principal.ROLE
