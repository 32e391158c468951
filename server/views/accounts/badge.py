"""Signing in with a badge: its address has the secret in the fragment, which only the page's script sees."""

from channels.transports.credential import SIGN_IN_COOKIE
from server.accounts.refusals import SignInRefused
from server.views.accounts.accounts import EntryPage

# Ours have 22 characters.
MAX_SECRET_CHARACTERS = 64


class BadgeSignIn(EntryPage):
    """The page that a badge opens."""

    template = "badge.html"

    async def get(self) -> None:
        """Show the form, which its script sends; where somebody else is signed in, only when a button is pressed.

        Otherwise a link could make somebody write as the owner of a badge, without a word.
        """
        await self.show_form()

    async def post(self) -> None:
        """Sign the owner in, in place of who was."""
        given = self.get_body_argument("badge", "")[:MAX_SECRET_CHARACTERS]
        try:
            secret = await self.accounts.badges.sign_in(given, self.request.remote_ip or "", self.device)
        except SignInRefused:
            await self.show_form(401, problem="badge")
        else:
            await self._end_former()
            self.let_in(secret)

    async def _end_former(self) -> None:
        former = self.get_cookie(SIGN_IN_COOKIE)
        if former:
            await self.accounts.sign_out(former)
