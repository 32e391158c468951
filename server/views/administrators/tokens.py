"""The tokens with which programs connect: made, listed with their last use, revoked."""

from tornado.web import HTTPError

from server.accounts.refusals import UserError
from server.views.administrators.office import OfficePage

TOKENS = "/administrators/programs"

# How long a token may last: a month, a half and a whole school year; longer ones are made by command.
DAYS = (30, 180, 365)


class TokensPage(OfficePage):
    """All tokens, and a form for a new one."""

    async def get(self) -> None:
        """Show them; `done` says that one was revoked."""
        await self._show(done=self.get_query_argument("done", ""))

    async def post(self) -> None:
        """Make a token, and show it once."""
        label, login, scope, days = (self.get_body_argument(name, "") for name in ("label", "login", "scope", "days"))
        if scope not in ("read", "write") or days not in map(str, DAYS):
            raise HTTPError(400, "not what the page sends")
        by, only_reads = self.member.user.id, scope == "read"
        try:
            made = await self.accounts.tokens.make(by, login, label, only_reads=only_reads, days=int(days))
        except UserError as refused:
            await self._show(problem=self.problem_of(refused), label=label, login=login, scope=scope)
        else:
            await self.show_office("token.html", made=made, back=TOKENS)

    async def _show(self, **given: str) -> None:
        shown = {"problem": "", "done": "", "label": "", "login": "", "scope": "", **given}
        tokens = await self.accounts.tokens.all()
        await self.show_office("tokens.html", tokens=tokens, all_days=DAYS, here=TOKENS, **shown)


class RevokeToken(OfficePage):
    """Ending a token."""

    async def post(self) -> None:
        """End it, with its open connections."""
        try:
            await self.accounts.tokens.revoke(self.member.user.id, self.number("token"))
        except UserError:
            raise HTTPError(404, "no such token") from None
        self.redirect(f"{TOKENS}?done=revoked", status=303)
