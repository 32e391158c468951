"""The hours in which students write in their classes, as the principal sets them for the school."""

import msgspec
from tornado.web import HTTPError

from channels.hours import Hours, SchoolHours, Spans, TimeOfDay, every_day, times_of
from channels.roles import principal
from server.accounts.refusals import UserError
from server.views.base import Page

_decoder = msgspec.json.Decoder(Hours)


class HoursPage(Page):
    """The page, and its form."""

    role = principal.ROLE
    address = "/principal/hours"

    async def get(self) -> None:
        """Show what is set; `done` says that the form has just set it."""
        await self._show(done=bool(self.get_query_argument("done", "")))

    async def post(self) -> None:
        """Set the hours, which the page's script writes as JSON, and the time zone."""
        try:
            hours = _decoder.decode(self.get_body_argument("hours", ""))
        except msgspec.MsgspecError as error:
            raise HTTPError(400, "not the hours that the page sends") from error
        zone, quiet = self.get_body_argument("zone", ""), self._quiet()
        try:
            await self.accounts.set_hours(self.member, hours, zone, quiet)
        except UserError:
            self.set_status(422)
            await self._show(refused=SchoolHours(hours, zone, quiet))
        else:
            self.redirect(f"{self.address}?done=1", status=303)

    def _quiet(self) -> Spans:
        """Return the quiet hours of the form's two fields; both empty, or the same: none."""
        times = [self.get_body_argument(name, "") for name in ("quiet_from", "quiet_until")]
        if times[0] == times[1]:
            return ()
        try:
            begins, ends = msgspec.convert(times, tuple[TimeOfDay, TimeOfDay])
        except msgspec.ValidationError as error:
            raise HTTPError(400, "not the times that the page sends") from error
        return every_day(begins, ends)

    async def _show(self, *, done: bool = False, refused: SchoolHours | None = None) -> None:
        shown = refused or await self.accounts.stored_hours()
        page_data = self.page_data(hours=msgspec.to_builtins(shown.hours), zone=shown.zone)
        begins, ends = times_of(shown.quiet) or ("", "")
        told = {"zone": shown.zone, "quiet": (begins, ends), "done": done, "problem": refused is not None}
        await self.show("hours.html", page_data=page_data, here=self.address, **told)
