"""The school's roster: an export is uploaded in pieces and checked, what it changes is shown, then it is applied.

/administrators/roster                        what waits, a new upload, the imports that were
/administrators/roster/7                      an import: how far it is, and what it changes, in numbers
/administrators/roster/7/names?list=user:new  … and by name
POST …/uploads, PUT …/7/files/NAME?offset=N, POST …/7/check, GET …/7/state
POST …/pull                                   the roster is pulled from the school's provider
POST …/7/apply, …/7/discard, …/7/undo
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from tornado.web import HTTPError

from server.accounts.refusals import UserError
from server.databases.imports import Import
from server.rosters.imports import State
from server.rosters.merge import Summary
from server.rosters.uploads import PIECE_BYTES, Uploads
from server.rosters.work import problems_of, summary_of
from server.views.administrators.office import ID, BodyPage, OfficePage
from server.views.administrators.problem_words import kind_in_words, message_in_words

ROSTER = "/administrators/roster"
IMPORT = f"{ROSTER}/{ID}"

# Names on one page: what one looks through at a glance or two.
PAGE_NAMES = 50
# Problems on the page: who corrects these finds the others in the next round.
SHOWN_PROBLEMS = 50


class Change(NamedTuple):
    """A line of what an import changes: how many, in words what, and the list that names them ("" for none)."""

    number: int
    words: str
    names: str = ""


class _Imports(OfficePage):
    """What the pages of imports have in common."""

    @property
    def uploads(self) -> Uploads:
        """The imports of this server."""
        found: Uploads = self.settings["uploads"]
        return found

    def state_words(self) -> dict[str, str]:
        """Return the words for each state."""
        translate = self.locale.translate
        return {
            State.CHECKING: translate("is being checked"),
            State.REFUSED: translate("refused"),
            State.READY: translate("waits for you"),
            State.APPLYING: translate("is being applied"),
            State.APPLIED: translate("applied"),
            State.UNDOING: translate("is being undone"),
            State.UNDONE: translate("undone"),
        }

    def in_short(self, row: Import) -> str:
        """Return what an import changes in one line, empty where that is unknown."""
        summary = summary_of(row)
        if summary is None:
            return ""
        lines = [f"{each.number} {each.words}" for each in self.people(summary, row.moving) if each.number]
        return " · ".join(lines) or self.locale.translate("Nothing changes.")

    def people(self, summary: Summary, moving: int) -> list[Change]:
        """Return what changes for people."""
        translate, users = self.locale.translate, summary.users
        return [
            Change(users.created, translate("person comes", "people come", users.created), "user:new"),
            Change(users.ended, translate("person leaves", "people leave", users.ended), "user:gone"),
            Change(users.updated, translate("person changes", "people change", users.updated), "user:changed"),
            Change(moving, translate("person changes classes", "people change classes", moving), "user:moved"),
        ]

    def rooms(self, summary: Summary) -> list[Change]:
        """Return what changes of classes."""
        translate, classes = self.locale.translate, summary.classes
        return [
            Change(classes.created, translate("class is new", "classes are new", classes.created), "class:new"),
            Change(classes.ended, translate("class ends", "classes end", classes.ended), "class:gone"),
            Change(classes.updated, translate("class changes", "classes change", classes.updated), "class:changed"),
        ]

    def places(self, summary: Summary) -> list[Change]:
        """Return how many places in classes change; whose they are, the lists of people say."""
        translate, places = self.locale.translate, summary.enrolments
        return [
            Change(places.created, translate("place in a class is new", "places in classes are new", places.created)),
            Change(places.ended, translate("place in a class ends", "places in classes end", places.ended)),
            Change(places.updated, translate("place in a class changes", "places in classes change", places.updated)),
        ]

    def changes(self, row: Import) -> list[Change]:
        """Return all that an import changes."""
        if (summary := summary_of(row)) is None:
            return []
        return [*self.people(summary, row.moving), *self.rooms(summary), *self.places(summary)]

    async def find(self, import_id: str) -> Import:
        """Return an import; 404 where there is none."""
        row = await self.uploads.find(int(import_id))
        if row is None:
            raise HTTPError(404, "no such import")
        return row


class RosterPage(_Imports):
    """What waits, a new upload, and the imports that were."""

    async def get(self) -> None:
        """Show it."""
        await self.show_roster()

    async def show_roster(self, problem: str = "") -> None:
        """Show it; `problem` says in words what could not be."""
        found = await self.uploads.newest()
        waiting = next((row for row in found.imports if row.state in (State.READY, State.CHECKING)), None)
        await self.show_office(
            "roster.html",
            problem=problem,
            pulls=await self.uploads.pulls.state(),
            imports=[row for row in found.imports if row.state not in (State.UPLOADING, State.DISCARDED)],
            waiting=waiting,
            undoable=found.undoable,
            piece_bytes=PIECE_BYTES,
            when=self.reader.time,
            state_words=self.state_words(),
            in_short=self.in_short,
        )


class PullRoster(RosterPage):
    """Pulling the roster from the school's provider now."""

    async def post(self) -> None:
        """Begin to pull it; what would change is shown before anything does."""
        try:
            import_id = await self.uploads.pulls.pull(self.member.user.id)
        except UserError as refused:
            await self.show_roster(self.problem_of(refused))
        else:
            self.redirect(f"{ROSTER}/{import_id}", status=303)

    def problem_of(self, refused: UserError) -> str:
        """Return in words why it cannot be pulled."""
        translate = self.locale.translate
        words = {
            "pulling": translate("It is being fetched already."),
            "no-provider": translate("This server has no address to fetch it from."),
        }
        self.set_status(422)
        return words.get(refused.reason) or super().problem_of(refused)


class ImportPage(_Imports):
    """One import."""

    async def get(self, import_id: str) -> None:
        """Show how far it is, and what it changes."""
        await self.show_import(await self.find(import_id))

    async def show_import(self, row: Import, problem: str = "") -> None:
        """Show it; `problem` says in words what could not be."""
        found = await self.uploads.newest()
        refusal = problems_of(row)
        await self.show_office(
            "import.html",
            row=row,
            summary=summary_of(row),
            changes=self.changes(row),
            refusal=refusal,
            problems=refusal.problems[:SHOWN_PROBLEMS],
            more=refusal.more + max(0, len(refusal.problems) - SHOWN_PROBLEMS),
            can_undo=found.undoable == row.id,
            when=self.reader.time,
            in_words=partial(message_in_words, translate=self.locale.translate),
            kind_in_words=partial(kind_in_words, translate=self.locale.translate),
            is_moving=row.state in (State.UPLOADING, State.CHECKING, State.APPLYING, State.UNDOING),
            here=f"{ROSTER}/{row.id}",
            problem=problem,
        )

    async def step(self, import_id: str, work: Callable[[int], Awaitable[None]]) -> None:
        """Take a step, and show the import again. The answer to a form must be a GET."""
        row = await self.find(import_id)
        try:
            await work(row.id)
        except UserError as refused:
            await self.show_import(row, self.problem_of(refused))
        else:
            self.redirect(f"{ROSTER}/{row.id}", status=303)

    def problem_of(self, refused: UserError) -> str:
        """Return in words why a step cannot be taken."""
        translate = self.locale.translate
        words = {
            "too-late": translate("That is no longer possible: the import has moved on."),
            "unconfirmed": translate(
                "That is not the number. Look at what would end, then type the number that is shown."
            ),
        }
        self.set_status(422)
        return words.get(refused.reason) or super().problem_of(refused)


class ImportState(_Imports):
    """How far an import is, for the page that shows it."""

    async def get(self, import_id: str) -> None:
        """Answer with its state."""
        row = await self.find(import_id)
        self.write({"state": row.state, "done": row.done, "total": row.total})


class ImportNames(_Imports):
    """Whom and what an import changes, by name."""

    async def get(self, import_id: str) -> None:
        """Show a page of one list."""
        row, chosen = await self.find(import_id), self.get_query_argument("list", "")
        summary = summary_of(row)
        lists = (
            {each.names: each for each in (*self.people(summary, row.moving), *self.rooms(summary))} if summary else {}
        )
        if chosen not in lists:
            raise HTTPError(404, "no such list")
        after = self._after()
        found = await self.uploads.names(row.id, chosen, after, PAGE_NAMES + 1)
        await self.show_office(
            "import_names.html",
            change=lists[chosen],
            entries=found[:PAGE_NAMES],
            more=f"?list={chosen}&after={after + PAGE_NAMES}" if len(found) > PAGE_NAMES else "",
            here=f"{ROSTER}/{row.id}",
            labels=self._labels(),
        )

    def _after(self) -> int:
        text = self.get_query_argument("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise HTTPError(400, "no such place")
        return int(text)

    def _labels(self) -> dict[str, str]:
        translate = self.locale.translate
        return {
            "name": translate("Name"),
            "login": translate("Login"),
            "role": translate("Role"),
            "title": translate("Title"),
            "grade": translate("Grade"),
        }


class NewUpload(_Imports):
    """The beginning of an upload, by the page's script."""

    async def post(self) -> None:
        """Begin it, and answer with the import's id."""
        self.write({"id": await self.uploads.begin(self.member.user.id, self.get_body_argument("name", "")[:255])})


class UploadPiece(BodyPage, _Imports):
    """A piece of a file that is uploaded."""

    most = PIECE_BYTES

    async def put(self, import_id: str, name: str) -> None:
        """Add it to the file."""
        offset = self.get_query_argument("offset", "")
        if not (offset.isascii() and offset.isdigit() and len(offset) <= 12):
            raise HTTPError(400, "no such place")
        try:
            await self.uploads.add(int(import_id), name, int(offset), bytes(self.sent))
        except UserError as refused:
            self.set_status(422)
            self.write({"reason": refused.reason})


class CheckUpload(_Imports):
    """The end of an upload."""

    async def post(self, import_id: str) -> None:
        """Begin to check it."""
        try:
            await self.uploads.check(int(import_id))
        except UserError as refused:
            self.set_status(422)
            self.write({"reason": refused.reason})


class ApplyImport(ImportPage):
    """Applying what was shown."""

    async def post(self, import_id: str) -> None:
        """Begin to apply it."""
        text = self.get_body_argument("confirm_ended", "").strip()
        confirmed = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
        await self.step(import_id, lambda id_: self.uploads.apply(id_, confirmed))


class DiscardImport(ImportPage):
    """Throwing away what was shown."""

    async def post(self, import_id: str) -> None:
        """Throw it away."""
        await self.step(import_id, self.uploads.discard)


class UndoImport(ImportPage):
    """Undoing the last import."""

    async def post(self, import_id: str) -> None:
        """Begin to undo it."""
        await self.step(import_id, lambda id_: self.uploads.undo(id_, self.member.user.id))


handlers = [
    (ROSTER, RosterPage),
    (f"{ROSTER}/uploads", NewUpload),
    (f"{ROSTER}/pull", PullRoster),
    (IMPORT, ImportPage),
    (f"{IMPORT}/state", ImportState),
    (f"{IMPORT}/names", ImportNames),
    (f"{IMPORT}/files/([A-Za-z.]{{1,40}})", UploadPiece),
    (f"{IMPORT}/check", CheckUpload),
    (f"{IMPORT}/apply", ApplyImport),
    (f"{IMPORT}/discard", DiscardImport),
    (f"{IMPORT}/undo", UndoImport),
]
