"""What the school keeps of its pupils, how long, who can read it and whom to ask, in words for a child (LGPD, art. 14).

It says what this version does. Whoever changes what is kept, or who can read it, changes this page.
"""

from typing import Any

from server.accounts.browser_sign_in import SIGN_IN_MS
from server.clock import DAY
from server.oidc.client import Providers
from server.records.words import kept_words
from server.views.base import Page


class Privacy(Page):
    """The page, for everybody, before the first sign-in too."""

    public = True

    async def get(self) -> None:
        """Show it, in the frame of whoever has signed in."""
        providers: Providers = self.settings["providers"]
        companies = [each.title for each in providers.settings.providers.values()]
        navigation = self.navigation() if self.current_user else ""
        told: dict[str, Any] = {
            "companies": companies,
            "days": SIGN_IN_MS // DAY,
            "students_see": self.accounts.settings.students_see,
        }
        told["kept"] = kept_words(self.accounts.settings, self.locale.translate)
        await self.show("privacy.html", navigation=navigation, **told)
