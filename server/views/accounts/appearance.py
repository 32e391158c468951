"""The look of the pages: choosing a theme and a text size."""

from tornado.web import HTTPError

from server.views.accounts.language import COOKIE_DAYS
from server.views.base import Page, local_path
from server.views.look import LOOK_COOKIE, TEXT_SIZES, THEMES


class ChooseLook(Page):
    """The switches in the menu: one form sends the field that it changes, and the other stays as it is."""

    public = True

    async def post(self) -> None:
        """Keep the choice in this browser, and show the same page again in it."""
        theme = self.get_body_argument("theme", self.look.theme)
        text_size = self.get_body_argument("text_size", self.look.text_size)
        if theme not in THEMES or text_size not in TEXT_SIZES:
            raise HTTPError(400, "no such look")
        look = self.look._replace(theme=theme, text_size=text_size)
        self.set_cookie(LOOK_COOKIE, look.stored, expires_days=COOKIE_DAYS, httponly=True, samesite="Lax")
        self.redirect(local_path(self.get_body_argument("next", "/", strip=False)), status=303)
