"""A teacher's help for a student of one of their classes who cannot sign in."""

from tornado.web import HTTPError

from channels.roles import teachers
from server.accounts.refusals import UserError
from server.views.base import Page, classroom_for


class NewStudentCode(Page):
    """A new one-time code in place of a student's password."""

    role = teachers.ROLE

    async def post(self, class_id: str, user_id: str) -> None:
        """Make it, and answer `{"name": …, "login": …, "code": …}`, once; `{"refused": true}` where it cannot be."""
        classroom = classroom_for(self.member, class_id)
        if not self.accounts.settings.teachers_reset:
            raise HTTPError(403, "the school does not let teachers do so")
        by = self.member.user.id
        try:
            made = await self.accounts.office.reset(by, int(user_id), of_class=classroom.id)
        except UserError:
            self.set_status(422)
            self.finish({"refused": True})
        else:
            self.finish({"name": made.name, "login": made.login, "code": made.code})
