"""The first page of a fresh installation: making the administrator who then does everything else in the browser."""

from typing import Any

from server.accounts.refusals import PasswordRefused, SignInRefused, UserError
from server.views.accounts.accounts import FIRST_ADMINISTRATOR, EntryPage
from server.views.base import SIGN_IN

_FIELDS = ("code", "login", "name", "school")


class FirstAdministratorPage(EntryPage):
    """The form, for as long as the school has no administrator."""

    template = "first_administrator.html"

    async def get(self) -> None:
        """Show the form, or lead to the sign-in."""
        if await self.accounts.first.is_missing():
            await self.show_form()
        else:
            self.redirect(SIGN_IN)

    async def post(self) -> None:
        """Make the administrator, and sign in."""
        given = {name: self.get_body_argument(name, "") for name in _FIELDS}
        password = self.get_body_argument("password", "", strip=False)
        if not password or not all(given[name] for name in ("code", "login", "name")):
            await self.show_form(422, problem="empty")
            return
        try:
            where = {"address": self.request.remote_ip or "", "device": self.device}
            secret = await self.accounts.first.make(
                given["code"], given["login"], given["name"], password, given["school"], **where
            )
        except PasswordRefused as refused:
            await self.show_form(422, problem=f"password {refused.reason}")
        except UserError as refused:
            await self.show_form(422, problem=f"new {refused.reason}")
        except SignInRefused:
            await self.show_form(401, problem="setup code", code="")
        else:
            await self.remember_browser(given["login"])
            self.let_in(secret)

    async def show_form(self, status: int = 200, **values: Any) -> None:
        """Keep what was typed, but no password."""
        typed = {name: self.get_body_argument(name, "") for name in ("code", "name")}
        school_name = self.get_body_argument("school", "")
        await super().show_form(status, **{**typed, "school_name": school_name, "here": FIRST_ADMINISTRATOR, **values})
