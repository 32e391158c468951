"""Erasing a person by law: what goes, and who types the login so that it is not done by mistake."""

from tornado.web import HTTPError

from channels.lesson.erasing import WAYS
from server.accounts.identifiers import normal_login
from server.accounts.refusals import UserError
from server.records.erase import Eraser
from server.records.words import ways_in_words
from server.views.administrators.person import PEOPLE, PersonPage


class ErasePerson(PersonPage):
    """The form."""

    async def get(self, user_id: str) -> None:
        """Show it."""
        await self._show(int(user_id))

    async def post(self, user_id: str) -> None:
        """Erase them, in the background."""
        way = self.get_body_argument("way", "")
        if way not in WAYS:
            raise HTTPError(400, "not what the page sends")
        account = (await self.find(int(user_id))).account
        try:
            if normal_login(self.get_body_argument("login", "")) != account.login:
                raise UserError("That is another login.", "other-login")
            await Eraser(self.databases).begin(account.id, way, self.member.user.id, here=False)
        except UserError as refused:
            await self._show(account.id, way, self.problem_of(refused))
        else:
            self.redirect(f"{PEOPLE}/{account.id}", status=303)

    def problem_of(self, refused: UserError) -> str:
        """Return in words why they cannot be erased."""
        problem = super().problem_of(refused)
        mistyped = refused.reason in ("other-login", "login")
        return self.locale.translate("That is not their login.") if mistyped else problem

    async def _show(self, user_id: int, way: str = "", problem: str = "") -> None:
        account = (await self.find(user_id)).account
        await self.accounts.read_school()
        ways, chosen = ways_in_words(self.locale.translate), way or self.accounts.settings.erasure
        told = {"account": account, "ways": ways, "chosen": chosen, "problem": problem}
        await self.show_office("erase.html", here=f"{PEOPLE}/{user_id}", **told)
