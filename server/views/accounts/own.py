"""A user's own account: another password, and where they are signed in."""

from typing import Any

from tornado.web import HTTPError

from server.accounts.refusals import PasswordRefused, SignInRefused
from server.views.accounts.accounts import CheckingPage

OWN_ACCOUNT = "/accounts/me"
# No id has more digits: a 64-bit key.
MAX_ID_DIGITS = 18


class OwnAccountPage(CheckingPage):
    """The page, and what its forms have in common."""

    async def get(self) -> None:
        """Show the page; `done` says what a form of it has done."""
        await self.show_account(done=self.get_query_argument("done", ""))

    async def show_account(self, status: int = 200, **values: Any) -> None:
        """Show the page; `problem` says what was wrong with the new password."""
        self.set_status(status)
        told = {"done": "", "problem": "", "retry_after": 0, "ticket": "", "next_ticket": "", **values}
        sign_ins = await self.accounts.own.sign_ins(self.member)
        navigation = self.navigation()
        page_data = self.page_data()
        here = {"here": OWN_ACCOUNT, "has_password": await self.accounts.own.has_password(self.member)}
        await self.show("account.html", sign_ins=sign_ins, navigation=navigation, page_data=page_data, **told, **here)

    def go_on(self, done: str) -> None:
        """Show the page again. The answer to a form must be a GET."""
        self.redirect(f"{OWN_ACCOUNT}?done={done}", status=303)


class ChangePassword(OwnAccountPage):
    """Another password, for who knows the old one."""

    async def post(self) -> None:
        """Set it, and end the other sign-ins."""
        old = self.get_body_argument("old_password", "", strip=False)
        new = self.get_body_argument("password", "", strip=False)
        if not old or not new:
            await self.show_account(422, problem="empty")
            return
        try:
            address, given = self.request.remote_ip or "", {"known": self.known, "ticket": self.ticket}
            await self.accounts.own.change_password(self.member, old, new, address, **given)
        except PasswordRefused as refused:
            await self.show_account(422, problem=f"password {refused.reason}")
        except SignInRefused as refused:
            await self._refuse(refused)
        else:
            await self.remember_browser(self.member.login)
            self.go_on("password")

    async def _refuse(self, refused: SignInRefused) -> None:
        if refused.reason == "throttled":
            self.set_header("Retry-After", str(refused.retry_after))
            values = {"retry_after": refused.retry_after, "next_ticket": refused.ticket}
            await self.show_account(429, problem=refused.reason, **values)
        else:
            await self.show_account(422, problem="old password")


class EndSignIn(OwnAccountPage):
    """Ending one of one's sign-ins, or all but this one."""

    async def post(self) -> None:
        """End it, with its open pages."""
        which = self.get_body_argument("sign_in", "")
        if which == "others":
            await self.accounts.own.end_others(self.member)
        elif which.isascii() and which.isdigit() and len(which) <= MAX_ID_DIGITS:
            await self.accounts.own.end_sign_in(self.member, int(which))
        else:
            raise HTTPError(400, "no such sign-in")
        self.go_on("ended")
