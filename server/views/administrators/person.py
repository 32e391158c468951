"""One person of the school: a new code, whether they may sign in, their devices, their name, their classes."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tornado.web import HTTPError

from server.accounts.office import ListedPerson
from server.accounts.refusals import UserError
from server.databases import reading
from server.databases.audit import Record, Wanted
from server.databases.erasures import Erasure, find_erasure
from server.databases.errors import DatabaseError
from server.views.administrators.office import ID, OfficePage
from server.views.audit import words

PEOPLE = "/administrators/people"
PERSON = f"{PEOPLE}/{ID}"

# Titles that the page offers to complete what is typed, some 10 KB; of a larger school the title is typed whole.
OFFERED_CLASSES = 300
# The newest of their sign-ins; the others are in the records.
SHOWN_RECORDS = 10


class PastSignIn(NamedTuple):
    """A line of somebody's history of sign-ins: when, in words what, and on which device from where."""

    at: str
    what: str
    where: str


class PersonPage(OfficePage):
    """The page of one person."""

    async def get(self, user_id: str) -> None:
        """Show it; `done` says what a form of it has done."""
        await self.show_person(int(user_id), done=self.get_query_argument("done", ""))

    async def show_person(self, user_id: int, *, done: str = "", problem: str = "") -> None:
        """Show the page; `problem` says in words what could not be."""
        person = await self.find(user_id)
        rooms = (await self.accounts.classrooms()).values() if person.account.role in ("student", "teacher") else ()
        theirs = {each.id for each in person.classes}
        await self.show_office(
            "person.html",
            person=person,
            account=person.account,
            sign_ins=await self.accounts.own.sign_ins_of(user_id, self.member.credential_id),
            history=await self._history(person),
            linked=[
                (self.providers.settings.title(issuer), at) for issuer, at in await self.accounts.office.linked(user_id)
            ],
            relatives=[(each.name, self.kinds()[each.kind]) for each in await self.accounts.office.relatives(user_id)],
            others=[room.title for room in rooms if room.id not in theirs][:OFFERED_CLASSES],
            is_own=user_id == self.member.user.id,
            now=self.accounts.now(),
            done=done,
            problem=problem,
            erasure=await self.erasure_of(user_id),
            here=f"{PEOPLE}/{user_id}",
        )

    async def erasure_of(self, user_id: int) -> Erasure | None:
        """Return the erasure of somebody, if there is one; None also while the records are away."""
        try:
            async with reading(self.databases.sessions("audit")) as db:
                return await find_erasure(db, user_id)
        except DatabaseError:
            return None

    def kinds(self) -> dict[str, str]:
        """Return the words for each kind of relative."""
        translate = self.locale.translate
        return {
            "parent": translate("Parent"),
            "guardian": translate("Guardian"),
            "relative": translate("Relative"),
        }

    async def find(self, user_id: int) -> ListedPerson:
        """Return somebody; 404 where nobody has the id."""
        person = await self.accounts.office.person(user_id)
        if person is None:
            raise HTTPError(404, "nobody")
        return person

    async def _history(self, person: ListedPerson) -> list[PastSignIn] | None:
        """Return the newest sign-ins of somebody, and what else concerns them; None while the records are away."""
        kinds = dict(next(each for name, _, each in words.groups(self.locale.translate) if name == "sign-ins"))
        try:
            await self.audit.catch_up()
            wanted = Wanted(kinds, [person.account.id])
            found = await self.audit.find(wanted, None, SHOWN_RECORDS)
        except DatabaseError:
            return None
        return [self._past(each, kinds) for each in found]

    def _past(self, record: Record, kinds: dict[str, str]) -> PastSignIn:
        places = (record.detail.get("device", ""), record.detail.get("address", ""))
        return PastSignIn(
            self.reader.time(record.at), kinds[record.kind], " · ".join(str(place) for place in places if place)
        )

    async def change(self, user_id: str, work: Callable[[int, int], Awaitable[object]], done: str) -> None:
        """Do what a form asks for, and show the page again. The answer to a form must be a GET."""
        try:
            await work(self.member.user.id, int(user_id))
        except UserError as refused:
            await self.refuse(int(user_id), refused)
        else:
            self.redirect(f"{PEOPLE}/{user_id}?done={done}", status=303)

    async def refuse(self, user_id: int, refused: UserError) -> None:
        """Show the page with what could not be."""
        if refused.reason == "gone":
            raise HTTPError(404, "nobody")
        await self.show_person(user_id, problem=self.problem_of(refused))


class ResetPerson(PersonPage):
    """A new code in place of the password."""

    async def post(self, user_id: str) -> None:
        """Make it, and show it once."""
        try:
            made = await self.accounts.office.reset(self.member.user.id, int(user_id))
        except UserError as refused:
            await self.refuse(int(user_id), refused)
        else:
            await self.show_code(made, f"{PEOPLE}/{user_id}")


class DisablePerson(PersonPage):
    """Whether somebody may sign in."""

    async def post(self, user_id: str) -> None:
        """Disable the account, or enable it."""
        if self.get_body_argument("enabled", "") == "1":
            await self.change(user_id, self.accounts.office.enable, "enabled")
        else:
            await self.change(user_id, self.accounts.office.disable, "disabled")


class EndSignInOfPerson(PersonPage):
    """Ending one of somebody's sign-ins, or all in browsers."""

    async def post(self, user_id: str) -> None:
        """End it, with its open pages."""
        which = None if self.get_body_argument("sign_in", "") == "all" else self.number("sign_in")
        await self.change(user_id, lambda by, id_: self.accounts.office.end_sign_in(by, id_, which), "ended")


class UnlinkPerson(PersonPage):
    """Forgetting somebody's accounts at the school's providers."""

    async def post(self, user_id: str) -> None:
        """Do so; the next account that is found by their name is theirs."""
        await self.change(user_id, self.accounts.office.unlink, "unlinked")


class RenamePerson(PersonPage):
    """The name and role of somebody who is in no roster."""

    async def post(self, user_id: str) -> None:
        """Change what differs."""
        account = (await self.find(int(user_id))).account
        name, role = self.get_body_argument("name", ""), self.get_body_argument("role", "")
        if role not in self.roles():
            raise HTTPError(400, "not what the page sends")

        async def work(by: int, id_: int) -> None:
            if role != account.role:
                await self.accounts.office.set_role(by, id_, role)
            if name != account.name:
                await self.accounts.office.rename(by, id_, name)

        await self.change(user_id, work, "saved")


class ClassOfPersonPage(PersonPage):
    """Putting somebody into a class by hand, and taking them out of it."""

    async def post(self, user_id: str) -> None:
        """Do so: out of the class with an id, into the class with a title."""
        office = self.accounts.office
        if self.get_body_argument("class_id", ""):
            class_id = self.number("class_id")
            await self.change(user_id, lambda by, id_: office.unenrol(by, id_, class_id), "saved")
        else:
            class_id = await self._called(self.get_body_argument("title", ""))
            await self.change(user_id, lambda by, id_: office.enrol(by, id_, class_id), "saved")

    async def _called(self, title: str) -> int:
        """Return the id of the one class with this title, 0 where there is none or several."""
        wanted = title.strip().casefold()
        found = [room.id for room in (await self.accounts.classrooms()).values() if room.title.casefold() == wanted]
        return found[0] if len(found) == 1 else 0


class NewPerson(OfficePage):
    """Making an account by hand, for somebody who is in no roster."""

    async def get(self) -> None:
        """Show the form."""
        await self._show()

    async def post(self) -> None:
        """Make it, and show its code once."""
        login, name, role = (self.get_body_argument(each, "") for each in ("login", "name", "role"))
        if role not in self.roles():
            raise HTTPError(400, "not what the page sends")
        try:
            user_id, made = await self.accounts.office.create(self.member.user.id, login, name, role)
        except UserError as refused:
            await self._show(self.problem_of(refused), login, name, role)
        else:
            await self.show_code(made, f"{PEOPLE}/{user_id}")

    async def _show(self, problem: str = "", login: str = "", name: str = "", role: str = "") -> None:
        given = {"login": login, "name": name, "role": role}
        await self.show_office("new_person.html", problem=problem, here=f"{PEOPLE}/new", **given)
