"""Where the roster is fetched from, and at which hour: the office sets it, and sees what comes back."""

from datetime import time
from typing import Any, cast

from server.accounts.refusals import UserError
from server.rosters.nightly import NightlyPulls, Sample
from server.rosters.problems import RosterErrors
from server.rosters.provider import Access, Kind
from server.rosters.pulling import Pulling, read_hour
from server.rosters.uploads import Uploads
from server.views.administrators.office import OfficePage
from server.views.administrators.problem_words import message_in_words

PROVIDER = "/administrators/roster/provider"


class ProviderPage(OfficePage):
    """The form, and what the provider answers."""

    @property
    def pulls(self) -> NightlyPulls:
        """The pulls of this server."""
        uploads: Uploads = self.settings["uploads"]
        return uploads.pulls

    async def get(self) -> None:
        """Show what is set."""
        await self._show(await self.pulls.pulling())

    async def post(self) -> None:
        """Set it, and try it; what the provider answers is shown at once."""
        fields = ("url", "kind", "key", "secret", "token_url")
        url, kind, key, secret, token_url = (self.get_body_argument(name, "").strip() for name in fields)
        access, at = Access(url, cast(Kind, kind), key, secret, token_url if kind == "oauth2" else ""), None
        try:
            at = read_hour(self.get_body_argument("hour", "").strip())
            await self.pulls.set(self.member.user.id, access, at)
        except UserError as refused:
            await self._show(Pulling(access, at), problem=self.problem_of(refused))
        else:
            await self._try(Pulling(access, at))

    async def _try(self, shown: Pulling) -> None:
        try:
            await self._show(shown, sample=await self.pulls.try_it(), saved=True)
        except RosterErrors as error:
            words = message_in_words(error.problems[0].message, self.locale.translate)
            await self._show(shown, problem=words, saved=True)
        except UserError as refused:
            await self._show(shown, problem=self.problem_of(refused), saved=True)

    async def _show(
        self, shown: Pulling | None, *, problem: str = "", sample: Sample | None = None, saved: bool = False
    ) -> None:
        is_set = self.pulls.given is None and await self.pulls.pulling() is not None
        values: dict[str, Any] = {"access": shown.access if shown else Access("", "oauth2"), "hour": _hour(shown)}
        told = {"sample": sample, "saved": saved, "is_set": is_set, "is_given": self.pulls.given is not None}
        kinds = {
            "oauth2": self.locale.translate("Client and secret (OAuth 2)"),
            "oauth1": self.locale.translate("Key and secret (OAuth 1.0a)"),
            "bearer": self.locale.translate("Token"),
        }
        await self.show_office("roster_provider.html", kinds=kinds, problem=problem, here=PROVIDER, **values, **told)

    def problem_of(self, refused: UserError) -> str:
        """Return in words what cannot be set."""
        translate = self.locale.translate
        words = {
            "url": translate("The address must begin with https://."),
            "token-url": translate("The address for tokens must begin with https://."),
            "key": translate("The key, or the client's ID, is missing."),
            "secret": translate("Give the secret. For another address it is needed again."),
            "hour": translate("The hour is a time of day, such as 03:30."),
            "long": translate("This is too long: 2,000 characters at most."),
            "kind": translate("Choose how the school's system knows this server."),
            "pulling": translate("It is being tried already."),
        }
        self.set_status(422)
        return words.get(refused.reason) or super().problem_of(refused)


class RemoveProvider(ProviderPage):
    """No provider any more."""

    async def post(self) -> None:
        """Forget it."""
        await self.pulls.unset(self.member.user.id)
        self.redirect("/administrators/roster", status=303)


def _hour(shown: Pulling | None) -> str:
    at: time | None = shown.at if shown else None
    return at.strftime("%H:%M") if at else ""


handlers = [
    (PROVIDER, ProviderPage),
    (f"{PROVIDER}/remove", RemoveProvider),
]
