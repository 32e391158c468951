"""The language: choosing one, and its strings for the pages' scripts."""

from tornado.web import HTTPError, RequestHandler

from server.locale import LANGUAGES
from server.views.base import LANGUAGE_COOKIE, Page, local_path
from server.views.static import KEPT_SECONDS

COOKIE_DAYS = 365


class ChooseLanguage(Page):
    """The language switch, on every page."""

    public = True

    async def post(self) -> None:
        """Keep the choice in this browser, and show the same page again in it."""
        code = self.get_body_argument("language", "")
        if code not in LANGUAGES:
            raise HTTPError(400, "no such language")
        self.set_cookie(LANGUAGE_COOKIE, code, expires_days=COOKIE_DAYS, httponly=True, samesite="Lax")
        self.redirect(local_path(self.get_body_argument("next", "/", strip=False)), status=303)


class Catalog(RequestHandler):
    """The strings of one language, as a module for scripts."""

    def initialize(self, **_: object) -> None:
        """Take, and not need, what every page gets."""

    def get(self, code: str) -> None:
        """Answer with the module."""
        if code not in LANGUAGES:
            raise HTTPError(404)
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        current = self.get_query_argument("v", "") == LANGUAGES[code].version
        self.set_header("Cache-Control", f"public, max-age={KEPT_SECONDS}, immutable" if current else "no-cache")
        self.finish(LANGUAGES[code].script)

    head = get
