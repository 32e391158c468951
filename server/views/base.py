"""What every page is: who sees it, in which language, under which rules for the browser.

A page belongs to one role (or to nobody in particular) and to one package of views, whose templates come before the
shared ones. Who is not signed in is sent to sign in, and back; who has another role gets a 403.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import tornado.locale
from tornado.escape import json_encode
from tornado.template import BaseLoader, Template
from tornado.web import HTTPError, RequestHandler

from channels.engine.joins import Joined
from channels.errors import Refused, Unavailable
from channels.hours import NO_SCHOOL_HOURS
from channels.lesson import acknowledging, progress
from channels.lesson.rules import Role
from channels.member import Classroom, Member
from channels.topics.kind import CLASS, Audience, parse_wire
from channels.transports.credential import SIGN_IN_COOKIE
from server import locale
from server.accounts.accounts import Accounts
from server.accounts.browser_sign_in import SIGN_IN_MS
from server.asyncapi import Tables
from server.audit.audit import Audit
from server.clock import DAY
from server.databases import Databases
from server.databases.errors import DatabaseUnavailable
from server.oidc.client import Providers
from server.views.look import LOOK_COOKIE, Look
from server.views.reader import Reader
from server.views.static import ROOT, Assets

LANGUAGE_COOKIE = "lousa_language"
SIGN_IN = "/accounts/sign-in"
# The id of who is signed in, for scripts (static/going_back.js); it gives no right.
USER_COOKIE = "lousa_user"
# A healthy journal answers in milliseconds. A page that waits longer for the first events is later than the socket.
FIRST_EVENTS_SECONDS = 0.5

ReadTopic = Callable[[Member, str], Awaitable[Joined[Any]]]


class Templates(BaseLoader):
    """Finds a template in the first of its folders that has it, also what that one extends or includes."""

    def __init__(self, folders: Sequence[Path], **options: Any) -> None:
        super().__init__(**options)
        self.folders = folders

    def resolve_path(self, name: str, parent_path: str | None = None) -> str:
        """Return the name as it is: names do not depend on who says them."""
        return name

    def _create_template(self, name: str) -> Template:
        file = next(folder / name for folder in self.folders if (folder / name).is_file())
        return Template(file.read_text(), name=name, loader=self)


class Page(RequestHandler):
    """A page; `role` is whose it is (None: anybody's, who must have signed in unless it is `public`)."""

    role: ClassVar[Role | None] = None
    public: ClassVar[bool] = False
    current_user: Member | None
    accounts: Accounts
    tables: Tables

    def initialize(self, accounts: Accounts, tables: Tables) -> None:
        """Take what the application hands to every page."""
        self.accounts = accounts
        self.tables = tables

    @property
    def databases(self) -> Databases:
        """All named databases, for a package that has declared one of its own (server/schemas.py)."""
        found: Databases = self.settings["databases"]
        return found

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone; until it has named one the reader's, where the address says it, or UTC."""
        return (
            ZoneInfo(self.accounts.hours.zone) if self.has_zone else zone_named(self.get_query_argument("zone", "UTC"))
        )

    @property
    def has_zone(self) -> bool:
        """Whether the school has named its time zone; a school that named UTC may be asked for it again."""
        return self.accounts.hours.zone != NO_SCHOOL_HOURS.zone

    @property
    def reader(self) -> Reader:
        """Who reads the page, for times and days."""
        return Reader(self.locale.translate, self.language.code, self.zone)

    @property
    def audit(self) -> Audit:
        """The audit log."""
        found: Audit = self.settings["audit"]
        return found

    @property
    def providers(self) -> Providers:
        """The school's providers, through which one signs in."""
        found: Providers = self.settings["providers"]
        return found

    def set_default_headers(self) -> None:
        """Set what every answer has. Nobody keeps an answer, but for the pages of `show`."""
        if self.secure:  # browsers complain of it on a plain http address
            self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Vary", "Accept-Language, Cookie")

    def _let_browser_keep(self) -> None:
        """Let the browser keep this page for "back", though it asks for it anew when it is opened.

        The next user at a school's computer may be somebody else: signing out empties what was kept. Browsers do that
        for origins that they trust, and on others nothing is kept.
        """
        if self.request.method in ("GET", "HEAD") and self.get_status() == HTTPStatus.OK and self._is_trusted:
            self.set_header("Cache-Control", "private, no-cache")

    @property
    def _is_trusted(self) -> bool:
        """Whether browsers count this address as secure (W3C Secure Contexts, section 3.1)."""
        return self.secure or self.request.host_name in ("localhost", "127.0.0.1", "::1")

    @property
    def secure(self) -> bool:
        """Whether the browser asked over TLS, as far as the proxy in front of us tells."""
        return self.request.protocol == "https"

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **options: Any) -> None:
        """Set a cookie, Tornado's own for forms as well, that over TLS came and only over TLS goes back."""
        super().set_cookie(name, value, *args, **{"secure": self.secure, **options})

    def set_sign_in_cookie(self, secret: str) -> None:
        """Give the browser its sign-in, for as long as the sign-in lasts when it is not used."""
        self.set_cookie(SIGN_IN_COOKIE, secret, expires_days=SIGN_IN_MS // DAY, httponly=True, samesite="Lax")

    def end_sign_in(self) -> None:
        """Take the sign-in from the browser, and the pages that it has kept."""
        self.clear_cookie(SIGN_IN_COOKIE, httponly=True, samesite="Lax")
        self.clear_cookie(USER_COOKIE, samesite="Lax")
        if self._is_trusted:
            self.set_header("Clear-Site-Data", '"cache"')

    def _tell_scripts_who_is_signed_in(self) -> None:
        user = str(self.current_user.user.id) if self.current_user else None
        if user is None and self.get_cookie(USER_COOKIE):
            self.clear_cookie(USER_COOKIE, samesite="Lax")
        elif user is not None and self.get_cookie(USER_COOKIE) != user:
            self.set_cookie(USER_COOKIE, user, expires_days=SIGN_IN_MS // DAY, samesite="Lax")

    def head(self, *args: str) -> Awaitable[None] | None:
        """Answer as to GET; Tornado leaves the body out."""
        return self.get(*args)

    async def prepare(self) -> None:
        """Find out who asks, and let them in or not."""
        secret = self.get_cookie(SIGN_IN_COOKIE)
        self.current_user = await self.accounts.authenticate(secret) if secret else None
        if secret and self.current_user is not None and self.accounts.extend(secret):
            self.set_sign_in_cookie(secret)
        self._tell_scripts_who_is_signed_in()
        if self._is_form and self.current_user is not None and self.current_user.only_reads:
            raise HTTPError(403, "a token that only reads")
        if self.public:
            return
        if self.current_user is None:
            self._send_to_sign_in()
        elif self.role is not None and self.current_user.user.role != self.role.name:
            raise HTTPError(403, "the page of another role")

    @property
    def _is_form(self) -> bool:
        """Whether something is to be changed."""
        return self.request.method not in ("GET", "HEAD")

    def _send_to_sign_in(self) -> None:
        if self._is_form:
            raise HTTPError(403, "not signed in")
        wanted = self.request.uri or "/"
        self.redirect(SIGN_IN if wanted == "/" else f"{SIGN_IN}?next={quote(wanted, safe='/')}")

    @property
    def member(self) -> Member:
        """Who has signed in, on a page that is not public."""
        assert self.current_user is not None
        return self.current_user

    @property
    def language(self) -> locale.Language:
        """The language of this answer: the one chosen on a page, the school's if it has set one, or the browser's."""
        chosen = locale.LANGUAGES.get(self.get_cookie(LANGUAGE_COOKIE) or "")
        of_school = locale.LANGUAGES.get(self.accounts.settings.language)
        return chosen or of_school or locale.choose(self.request.headers.get("Accept-Language", ""))

    @property
    def look(self) -> Look:
        """The look of this answer: the one chosen on a page."""
        return Look.parse(self.get_cookie(LOOK_COOKIE) or "")

    def get_user_locale(self) -> tornado.locale.Locale:
        """Tell Tornado the language."""
        return self.language.locale

    def get_template_path(self) -> str:
        """Return the templates of the package that this page belongs to."""
        return str(Path(sys.modules[type(self).__module__].__file__ or "").parent / "templates")

    def create_template_loader(self, template_path: str) -> BaseLoader:
        """Look there first, then in the shared templates."""
        return Templates([Path(template_path), ROOT / "templates"])

    async def show(self, template: str, **values: Any) -> None:
        """Answer with a template, in the school's frame."""
        self._let_browser_keep()
        page = self.render_string(template, school=await self.accounts.school_name(), **values)
        self.finish(page)  # not awaited: a browser that has gone is no error of ours

    def get_template_namespace(self) -> dict[str, Any]:
        """Add what every template may use."""
        return {
            **super().get_template_namespace(),
            "member": self.current_user,
            "own_role": self.tables.rules.of(self.current_user) if self.current_user else None,
            "home": self.home,
            "language": self.language,
            "look": self.look,
            "board": self.accounts.settings.board,
            "logo": f"/logo/{self.accounts.settings.logo}.png" if self.accounts.settings.logo else "",
            "languages": locale.LANGUAGES.values(),
            "here": local_path(self.request.uri if self.request.method in ("GET", "HEAD") else None),
            "page_data": "",
            "static_url": self.assets.url,
            "sheet": self.assets.url,
            "script": self._script,
            "catalog": self._catalog,
            "school": "",
        }

    @property
    def assets(self) -> Assets:
        """The static files that pages name."""
        found: Assets = self.settings["assets"]
        return found

    @property
    def _catalog(self) -> str:
        """Where the scripts' texts are; empty where the scripts have them in the reader's language."""
        return "" if self.assets.is_bundled else f"/accounts/language/{self.language.code}.js?v={self.language.version}"

    def _script(self, path: str, package: str = "") -> str:
        return self.assets.script(path, package, self.language.code)

    @property
    def home(self) -> str:
        """Where this user's pages begin."""
        return self.tables.rules.of(self.current_user).home if self.current_user else "/"

    def navigation(self) -> bytes:
        """Return the navigation of the user's own pages, for a page that belongs to no role's package."""
        role = self.tables.rules.of(self.member)
        folders = [ROOT / "server" / "views" / role.path / "templates", ROOT / "templates"]
        loader = Templates([folder for folder in folders if folder.is_dir()])
        return loader.load("navigation.html").generate(**self.get_template_namespace())

    def page_data(self, **values: Any) -> str:
        """Return what the page's scripts need to know, as JSON for an attribute."""
        user = self.member.user
        me = {"id": user.id, "name": user.name, "role": user.role}
        staff = [role.name for role in self.tables.roles if role.is_staff]
        own = {"home": self.home, "socket": f"{self.home}socket", "staff": staff, "topics": self._topics()}
        return json_encode({"me": me, **own, **values})

    async def joins(self, topic_name: str) -> dict[str, Any]:
        """Return, by the topic's name, what its join would be answered now: the page's scripts begin with it.

        Empty where that cannot be read at once: then it comes by the socket, as it does later.
        """
        read: ReadTopic | None = self.settings["read_topic"]
        if read is None:
            return {}
        try:
            joined = await asyncio.wait_for(read(self.member, topic_name), FIRST_EVENTS_SECONDS)
        except (Refused, Unavailable, TimeoutError):
            return {}
        return {topic_name: msgspec.json.decode(msgspec.json.encode(joined))}

    def _topics(self) -> dict[str, Any]:
        """Return what the scripts need to know of the role's topics.

        `wide`: those with announcements for more than a class; `receipts`: topics and kinds of topic where the role
        sees who has read, `acknowledges`: those where it is asked to; `pushes`: what the role may push in a class.
        """
        role = self.tables.rules.of(self.member)
        addresses = (parse_wire(name, self.member.user.id, self.tables.kinds) for name in role.topics)
        wide = [
            each.wire_name
            for each in addresses
            if each is not None and each.kind.audience is Audience.SCHOOL and "announcements" in each.kind.features
        ]
        receipts, acknowledges = (
            [name for name, rule in role.topics.items() if action.event in rule.actions]
            for action in (progress.PROGRESS, acknowledging.ACKNOWLEDGE)
        )
        allowed = set(role.topics[CLASS.name].actions) if CLASS.name in role.topics else set()
        pushes = sorted(allowed.difference(self.accounts.withheld.get(role.name, ())))
        own = {"wide": wide, "receipts": receipts, "acknowledges": acknowledges}
        return {**own, "all_classes": role.sees_all_classes, "pushes": pushes}

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Log an error of ours; that the database is away is logged once, where it is noticed (change_watcher)."""
        if not isinstance(value, DatabaseUnavailable):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page that says what happened and where to go on."""
        if isinstance(kwargs.get("exc_info", (None, None))[1], DatabaseUnavailable):
            status_code = 503
            self.set_status(status_code)
            self.set_header("Retry-After", "5")
        self.finish(self.render_string("error.html", status=status_code))


class Slash(Page):
    """The address of a folder of pages, typed without the slash at its end."""

    public = True

    async def get(self) -> None:
        """Lead to the folder."""
        self.redirect(f"{self.request.path}/")


class Missing(Page):
    """Any address that nothing else answers."""

    public = True

    async def prepare(self) -> None:
        """Say that there is nothing here."""
        await super().prepare()
        raise HTTPError(404)

    def check_xsrf_cookie(self) -> None:
        """Let a form come that leads nowhere: it gets the same 404."""


def local_path(path: str | None) -> str:
    r"""Return a path of this site as it is, and anything else, which could lead away from it, as `/`.

    `//host`, and `/\host` as browsers read it, name another host; control characters are dropped by browsers.
    """
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    return "/" if "\\" in path or any(ord(character) < 0x21 or ord(character) == 0x7F for character in path) else path


def classroom_for(member: Member, class_id: str) -> Classroom:
    """Return one of the member's classes; anything else is a 404, whether it exists or not."""
    classroom = member.classes.get(int(class_id))
    if classroom is None:
        raise HTTPError(404, "no class of theirs")
    return classroom


def zone_named(text: str) -> ZoneInfo:
    """Return the time zone of this name; where there is none it is a 400."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones is an OSError
        raise HTTPError(400, "no such time zone") from error
