"""Signing in with a password or a one-time code, and signing out."""

from typing import Any
from urllib.parse import quote

from channels.transports.credential import SIGN_IN_COOKIE
from server.accounts.device import device_name
from server.accounts.known_browser import COOKIE_DAYS
from server.accounts.refusals import PasswordRefused, SignInRefused
from server.views.base import SIGN_IN, Page, local_path

FIRST_ADMINISTRATOR = "/accounts/first-administrator"
KNOWN_COOKIE = "lousa_known"
# Sent to the pages that sign in, and to no other.
KNOWN_PATH = "/accounts"
# Ours have 22.
MAX_TICKET_CHARACTERS = 64


class Home(Page):
    """The front door."""

    async def get(self) -> None:
        """Lead everybody to their own pages."""
        self.redirect(self.home)


class CheckingPage(Page):
    """A page whose form has a password that is checked."""

    @property
    def known(self) -> str:
        """The accounts that know this browser (server/accounts/known_browser.py)."""
        return self.get_cookie(KNOWN_COOKIE) or ""

    @property
    def ticket(self) -> str:
        """The ticket that an earlier refusal gave."""
        return self.get_body_argument("ticket", "")[:MAX_TICKET_CHARACTERS]

    async def remember_browser(self, login: str) -> None:
        """Let the account know this browser: it stays known after signing out."""
        cookie = await self.accounts.local.remember_browser(self.known, login)
        options = {"path": KNOWN_PATH, "expires_days": COOKIE_DAYS, "httponly": True, "samesite": "Lax"}
        self.set_cookie(KNOWN_COOKIE, cookie, **options)


class EntryPage(CheckingPage):
    """A form that signs somebody in: what was typed (but no secret) stays in it, and what is wrong is said in it."""

    public = True
    template: str

    async def get(self) -> None:
        """Show the form, or go on where there is nothing to do."""
        if self.current_user is not None:
            self.redirect(self.destination)
            return
        await self.show_form()

    @property
    def destination(self) -> str:
        """Where to go on: back to the page that asked for a sign-in, if it is one of ours."""
        return local_path(self.get_argument("next", "/", strip=False))

    async def show_form(self, status: int = 200, **values: Any) -> None:
        """Show the form; `problem` says what was wrong with it."""
        self.set_status(status)
        ended = self.get_query_argument("ended", "") == "1" and self.request.method == "GET"
        typed = {"ended": ended, "problem": "", "retry_after": 0, "login": self.get_body_argument("login", "")}
        typed["ticket"] = ""
        address = self.request.path
        typed["providers"] = self.provider_links
        typed["is_local_usual"] = self.providers.settings.local == "everybody"
        here = address if self.destination == "/" else f"{address}?next={quote(self.destination, safe='/')}"
        await self.show(self.template, **{"next_page": self.destination, "here": here, **typed, **values})

    @property
    def provider_links(self) -> list[tuple[str, str]]:
        """Return the title of each provider, and the address at which a sign-in through it begins."""
        school = self.providers.settings
        to = "" if self.destination == "/" else f"?next={quote(self.destination, safe='')}"
        return [(each.title, f"{school.begin(each)}{to}") for each in school.providers.values()]

    @property
    def device(self) -> str:
        """What the user may recognize this browser by, later."""
        return device_name(self.request.headers.get("User-Agent", ""))

    def let_in(self, secret: str) -> None:
        """Give the browser its sign-in, and go on. The answer to a form must be a GET."""
        self.set_sign_in_cookie(secret)
        self.redirect(self.destination, status=303)

    async def refuse(self, refused: SignInRefused) -> None:
        """Show the form again with the reason."""
        status = 429 if refused.reason == "throttled" else 401
        if status == 429:
            self.set_header("Retry-After", str(refused.retry_after))
        await self.show_form(status, problem=refused.reason, retry_after=refused.retry_after, ticket=refused.ticket)


class SignIn(EntryPage):
    """Signing in with a password."""

    template = "sign_in.html"

    async def get(self) -> None:
        """Show the form; where nobody could use it yet, lead to the page that makes the first administrator."""
        if await self.accounts.first.is_fresh():
            self.redirect(FIRST_ADMINISTRATOR)
        else:
            await super().get()

    async def post(self) -> None:
        """Sign in."""
        login, password = self.get_body_argument("login", ""), self.get_body_argument("password", "", strip=False)
        if not login or not password:
            await self.show_form(422, problem="empty")
            return
        try:
            address = self.request.remote_ip or ""
            given = {"known": self.known, "ticket": self.ticket, "device": self.device}
            secret = await self.accounts.local.sign_in(login, password, address, **given)
            await self.remember_browser(login)
            self.let_in(secret)
        except SignInRefused as refused:
            await self.refuse(refused)


class FirstSignIn(EntryPage):
    """Signing in for the first time: with the code from the school, and a password of one's own."""

    template = "first_sign_in.html"

    @property
    def destination(self) -> str:
        """Where to go on; browsers would carry the fragment of a card's address along, with the code."""
        return f"{super().destination}#" if self.request.method == "GET" and self.current_user else super().destination

    async def post(self) -> None:
        """Take the code and the password, and sign in."""
        login, code = self.get_body_argument("login", ""), self.get_body_argument("code", "")
        password = self.get_body_argument("password", "", strip=False)
        if not login or not code or not password:
            await self.show_form(422, problem="empty", code=code)
            return
        try:
            address = self.request.remote_ip or ""
            given = {"ticket": self.ticket, "device": self.device}
            secret = await self.accounts.local.redeem_code(login, code, password, address, **given)
            await self.remember_browser(login)
            self.let_in(secret)
        except PasswordRefused as refused:
            await self.show_form(422, problem=f"password {refused.reason}", code=code)
        except SignInRefused as refused:
            await self.refuse(refused)

    async def show_form(self, status: int = 200, **values: Any) -> None:
        """Keep the code where only the password was refused: it is still good."""
        await super().show_form(status, **{"code": "", **values})


class Patience(EntryPage):
    """Whether a sign-in has to wait, asked by the form's script before it sends the password."""

    async def post(self) -> None:
        """Answer `{"seconds": …, "ticket": …}`."""
        login = self.get_body_argument("login", "")
        known = self.known if self.get_body_argument("code", None) is None else ""  # a code is for new browsers
        address = self.request.remote_ip or ""
        seconds, ticket = await self.accounts.local.patience(login, address, known=known, ticket=self.ticket)
        self.finish({"seconds": seconds, "ticket": ticket})


class SignOut(Page):
    """Signing out."""

    public = True

    async def post(self) -> None:
        """End the sign-in, on the server and in the browser."""
        secret = self.get_cookie(SIGN_IN_COOKIE)
        if secret:
            await self.accounts.sign_out(secret)
        self.end_sign_in()
        self.redirect(SIGN_IN, status=303)


class Status(Page):
    """Whether the server still knows this browser's user: a script cannot tell from a refused socket."""

    public = True

    def get(self) -> None:
        """Answer `{"signed_in": …}`."""
        self.finish({"signed_in": self.current_user is not None})
