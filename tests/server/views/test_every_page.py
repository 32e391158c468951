"""Every page, for every role and for nobody: what is not allowed is refused. A new page is in it without a line.

The list is that of the application's handlers. Whose a page is, its class says; so a page that forgets to say it is
found here, since it would answer somebody who is not signed in.
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from channels.roles import ROLES
from server import views
from server.views.base import Page
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

LOGINS = {"student": "ana", "teacher": "paula", "principal": "diretora", "administrator": "secretaria"}
ADDRESSES: list[tuple[str, type[Page]]] = [
    (url, page) for package in views.PACKAGES for url, page in package.handlers if issubclass(page, Page)
]
# What a page that is everybody's may do without a sign-in; more of them is a decision to write down here.
PUBLIC = {
    "BackFromProvider",
    "BadgeSignIn",
    "ChooseLanguage",
    "ChooseLook",
    "EndedAtProvider",
    "FirstAdministratorPage",
    "FirstSignIn",
    "Patience",
    "Privacy",
    "SignIn",
    "SignOut",
    "Status",
    "ToProvider",
}
# Forms that no page sends, and that prove by a signature whose they are.
SIGNED = {"EndedAtProvider"}


def _address(url: str, school: School) -> str:
    """Return an address of this page; a number is a class's, or of somebody whom the form then does not change."""
    examples = (str(school.mathematics), "a", "csv", "json")

    def example(group: re.Match[str]) -> str:
        return next(each for each in examples if re.fullmatch(group[1], each))

    return re.sub(r"\(([^()]+)\)", example, url).replace("\\", "")


def _posts(page: type[Page]) -> bool:
    return page.post is not Page.post


def test_pages_for_everybody_are_few_and_known() -> None:
    public = {page.__name__ for url, page in ADDRESSES if page.public and not url.startswith("/docs")}
    assert public == PUBLIC


async def test_page_refuses_who_is_not_signed_in(visitor: Visitor, school: School) -> None:
    for url, page in ADDRESSES:
        if page.public:
            continue
        path = _address(url, school)
        answer = await visitor.get(path)
        assert answer.status == HTTPStatus.FOUND, path
        assert answer.location.startswith("/accounts/sign-in"), path
        if _posts(page):
            assert (await visitor.post(path)).status == HTTPStatus.FORBIDDEN, path


@pytest.mark.parametrize("role", [role.name for role in ROLES])
async def test_page_of_a_role_refuses_every_other_role(role: str, signed_in: SignedIn, school: School) -> None:
    own = await signed_in(LOGINS[role])
    others = [(url, page) for url, page in ADDRESSES if page.role is not None and page.role.name != role]
    assert others
    for url, page in others:
        path = _address(url, school)
        assert (await own.get(path)).status == HTTPStatus.FORBIDDEN, path
        if _posts(page):
            assert (await own.post(path)).status == HTTPStatus.FORBIDDEN, path


async def test_records_are_read_by_the_roles_that_may(signed_in: SignedIn) -> None:
    for role in ROLES:
        own = await signed_in(LOGINS[role.name])
        expected = HTTPStatus.OK if role.reads_audit else HTTPStatus.FORBIDDEN
        assert {(await own.get(path)).status for path in ("/audit", "/audit.csv")} == {expected}, role.name


@pytest.mark.parametrize("role", [role.name for role in ROLES])
async def test_form_without_its_secret_changes_nothing(role: str, signed_in: SignedIn, school: School) -> None:
    own = await signed_in(LOGINS[role])
    for url, page in ADDRESSES:
        if page.__name__ in SIGNED:
            continue
        if _posts(page) and (page.role is None or page.role.name == role):
            answer = await own.post(_address(url, school), xsrf="guessed")
            assert answer.status == HTTPStatus.FORBIDDEN, url
