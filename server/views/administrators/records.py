"""How long the school keeps what, what an erasure leaves, and the legal holds."""

from typing import Any

import msgspec
from tornado.web import HTTPError

from channels.lesson.erasing import WAYS
from server.accounts.refusals import UserError
from server.accounts.school_settings import MAX_MONTHS
from server.databases.errors import DatabaseError
from server.databases.school_settings import SchoolSettings
from server.records.hold import Holds, ShownHold
from server.records.words import expiring_words, ways_in_words
from server.views.administrators.office import OfficePage

RECORDS = "/administrators/school/records"


class RecordsPage(OfficePage):
    """The page and the form of what is kept."""

    async def get(self) -> None:
        """Show it; `done` says that a form has just changed something."""
        await self.accounts.read_school()
        await self.show_records(self.accounts.settings, done=self.get_query_argument("done", ""))

    async def post(self) -> None:
        """Set all of it."""
        wanted = msgspec.structs.replace(self.accounts.settings, erasure=self.get_body_argument("erasure", ""))
        if wanted.erasure not in WAYS:
            raise HTTPError(400, "not what the page sends")
        try:
            months = {f"keep_{name}": self._months(name) for name in expiring_words(self.locale.translate)}
            wanted = msgspec.structs.replace(wanted, **months)
            await self.accounts.set_settings(self.member, wanted)
        except UserError as refused:
            await self.show_records(wanted, problem=self.problem_of(refused))
        else:
            self.redirect(f"{RECORDS}?done=months", status=303)

    def _months(self, name: str) -> int:
        text = self.get_body_argument(name, "").strip() or "0"
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_MONTHS))):
            raise UserError("That is no number of months.", "months")
        return int(text)

    async def show_records(self, shown: SchoolSettings, *, done: str = "", problem: str = "") -> None:
        """Show the page; `problem` says in words what could not be."""
        translate = self.locale.translate
        kept = [(name, words, getattr(shown, f"keep_{name}")) for name, words in expiring_words(translate).items()]
        told: dict[str, Any] = {
            "kept": kept,
            "ways": ways_in_words(translate),
            "chosen": shown.erasure,
            "most": MAX_MONTHS,
        }
        told |= {"holds": await self._holds(), "done": done, "problem": problem}
        await self.show_office("records.html", here=RECORDS, **told)

    async def _holds(self) -> list[ShownHold] | None:
        try:
            return await Holds(self.databases).all()
        except DatabaseError:
            return None


class SetHold(RecordsPage):
    """A new hold."""

    async def post(self) -> None:
        """Set it, on a person by login or on a class by title."""
        whom, reason = self.get_body_argument("whom", ""), self.get_body_argument("reason", "")
        holds, is_class = Holds(self.databases), self.get_body_argument("kind", "") == "class"
        try:
            await (holds.on_class if is_class else holds.on_person)(whom, reason, self.member.user.id)
        except UserError as refused:
            await self.show_records(self.accounts.settings, problem=self.problem_of(refused))
        else:
            self.redirect(f"{RECORDS}?done=1", status=303)


class LiftHold(RecordsPage):
    """The end of a hold."""

    async def post(self) -> None:
        """Lift it."""
        try:
            await Holds(self.databases).lift(self.number("hold"), self.member.user.id)
        except UserError:
            pass  # somebody else has lifted it
        self.redirect(f"{RECORDS}?done=1", status=303)
