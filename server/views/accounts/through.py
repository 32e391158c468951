"""Signing in through one of the school's providers: there, back, and out again (server/oidc)."""

from typing import Any

from tornado.web import HTTPError

from server.accounts.refusals import SignInRefused
from server.accounts.school_sign_in import Presented, SchoolSignIn
from server.accounts.throttle import network
from server.clock import SECOND
from server.oidc.attempt import ATTEMPT_MS, Attempt
from server.oidc.client import ProviderClient, SignedIn
from server.oidc.errors import ProviderRefused
from server.views.accounts.accounts import EntryPage
from server.views.base import SIGN_IN, local_path

ATTEMPT_COOKIE = "lousa_attempt"
# What a provider adds to the address of the way back.
ANSWER = ("code", "state", "iss", "error")
# Of each; longer ones are refused where they are checked.
MAX_ANSWER_CHARACTERS = 5_000
# What the browser is answered, by the reason; 403 for all others. Not 502: that is a proxy's, whose server is away.
STATUS = {"away": 503, "busy": 503, "stale": 400, "cancelled": 400, "used": 400}


class ThroughProvider(EntryPage):
    """A page of one provider."""

    template = "through.html"
    client: ProviderClient

    async def prepare(self) -> None:
        """Find the provider; a 404 where the school has none of this name."""
        await super().prepare()
        client = self.providers.client(self.path_args[0])
        if client is None:
            raise HTTPError(404, "no such provider")
        self.client = client

    @property
    def school_sign_in(self) -> SchoolSignIn:
        """Signing in through the school."""
        found: SchoolSignIn = self.settings["school_sign_in"]
        return found

    @property
    def attempt_cookie(self) -> str:
        """The name of the cookie: over TLS no other host of the same domain can set one of this name (RFC 6265bis)."""
        return f"__Host-{ATTEMPT_COOKIE}" if self.secure else ATTEMPT_COOKIE

    async def refuse_entry(self, reason: str, next_page: str, shown: str = "") -> None:
        """Say why nobody is signed in, and what to do now."""
        provider = self.client.provider
        status = STATUS.get(reason, 403)
        if status == 503:
            self.set_header("Retry-After", "10")
        begin = self.providers.settings.begin(provider)
        values = {"reason": reason, "shown": shown, "title": provider.title, "begin": begin, "next_page": next_page}
        values["here"] = SIGN_IN  # a code works once: the same address leads nowhere a second time
        await self.show_form(status, **values)


class ToProvider(ThroughProvider):
    """The button: begins a sign-in.

    It is a link, not a form: the browser would not follow a form to another site (`form-action` in the policy).
    """

    async def get(self, _name: str) -> None:  # type: ignore[override]
        """Send the browser to the provider, with a cookie by which it is known when it comes back."""
        if self.current_user is not None:
            self.redirect(self.destination)
            return
        attempt = Attempt.begin(self.client.provider.name, self.accounts.clock(), self.destination)
        try:
            url = await self.client.begin(attempt, choose=self.get_query_argument("choose", "") == "1")
        except ProviderRefused as refused:
            await self.refuse_entry(refused.reason, self.destination)
            return
        # Lax: the browser brings it along when the provider sends it back, and to nobody else.
        options: dict[str, Any] = {"max_age": ATTEMPT_MS // 1000, "httponly": True, "samesite": "Lax"}
        self.set_cookie(self.attempt_cookie, attempt.cookie, **options)
        self.redirect(url)


class BackFromProvider(ThroughProvider):
    """Where the provider sends the browser back to, with a code."""

    async def get(self, _name: str) -> None:  # type: ignore[override]
        """Sign in, if this browser has begun it and the provider names somebody whom the school knows."""
        attempt = Attempt.read(self.get_cookie(self.attempt_cookie) or "")
        self.clear_cookie(self.attempt_cookie, httponly=True, samesite="Lax")
        answer = {name: self.get_query_argument(name, None) for name in ANSWER}
        given = {name: value[:MAX_ANSWER_CHARACTERS] for name, value in answer.items() if value is not None}
        now, name = self.accounts.clock(), self.client.provider.name
        if attempt is None or not attempt.is_answered_by(name, given.get("state", ""), now):
            await self.refuse_entry("stale", "/")
            return
        next_page = local_path(attempt.next_page)
        try:
            signed_in = await self.client.finish(attempt, given, network(self.request.remote_ip or ""))
        except ProviderRefused as refused:
            await self.refuse_entry(refused.reason, next_page)
            return
        try:
            secret = await self.school_sign_in.sign_in(
                self._presented(signed_in), self.request.remote_ip or "", self.device
            )
        except SignInRefused as refused:
            await self.refuse_entry(refused.reason, next_page, signed_in.shown)
            return
        self.set_sign_in_cookie(secret)
        self.redirect(next_page)

    def _presented(self, signed_in: SignedIn) -> Presented:
        provider, identity = self.client.provider, signed_in.identity
        who = (identity.issuer, identity.subject, identity.sid)
        return Presented(provider.name, *who, provider.finds, signed_in.names, signed_in.once)

    def head(self, *_: str) -> None:
        """Refuse: a code is for one GET."""
        raise HTTPError(405)


class EndedAtProvider(ThroughProvider):
    """Where the provider itself says that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0)."""

    def check_xsrf_cookie(self) -> None:
        """Accept forms without ours: the token says by its signature whom it is from."""

    async def get(self, _name: str) -> None:  # type: ignore[override]
        """Refuse: there is no page."""
        raise HTTPError(405)

    async def post(self, _name: str) -> None:
        """End the sign-ins, with their open connections."""
        try:
            ended = await self.client.ended(self.get_body_argument("logout_token", ""))
            await self.school_sign_in.end(ended.issuer, ended.subject, ended.sid, ended.jti, ended.until * SECOND)
        except (ProviderRefused, SignInRefused) as refused:
            is_away = refused.reason == "away"
            self.set_status(503 if is_away else 400)
            self.finish({"error": "temporarily_unavailable" if is_away else "invalid_request"})
