"""axe-core finds nothing on any page, in light and dark; every page fits every screen, up to 400 % of zoom.

Light and dark have the same elements: in dark, only axe-core's rules on colours run.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, SCHEMES, Visitor
from tests.lousa import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = ROOT / "tests/client/node_modules/axe-core/axe.min.js"

# Everything that axe-core knows but what it calls experimental.
_ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_COLOURS = ["color-contrast", "link-in-text-block"]
_RUN = """async (rules) => {
  const {violations} = await axe.run(document, {runOnly: rules});
  const first = (nodes) => nodes.slice(0, 5).map(({html, failureSummary}) => ({html, failureSummary}));
  return violations.map(({id, help, nodes}) => ({id, help, nodes: first(nodes)}));
}"""

PAGES = {
    "ana": [
        "/students/",
        "/students/announcements",
        "class",
        "/accounts/me",
        "/search",
        "/students/classes/1/attendance",
    ],
    "paula": ["/teachers/", "/teachers/announcements", "class", "/teachers/classes/1/attendance"],
    "diretora": [
        *("/principal/", "/principal/history", "/principal/announcements", "class", "/principal/hours", "/audit"),
        *("/principal/classes/1/attendance", "/principal/classes/1/history"),
    ],
    "secretaria": [
        *("/administrators/", "/administrators/people/1", "/administrators/people/new", "/administrators/classes"),
        *("/administrators/classes/1", "/administrators/roster", "/administrators/school", "/administrators/programs"),
        *("/administrators/school/settings", "/administrators/school/hours"),
        *("/administrators/announcements", "/administrators/school/records", "/administrators/people/2/erase"),
    ],
}
PUBLIC = ["/accounts/sign-in", "/privacy", "/no-such-page"]

# A phone, upright and on its side; a tablet; two desktops; and a desktop of 1280 x 1024 at 400 % of zoom.
SIZES = [
    (320, 256),  # what fits here fits the wider ones
    *(
        pytest.param(size, marks=pytest.mark.long)
        for size in [(360, 740), (740, 360), (768, 1024), (1366, 768), (1920, 1080)]
    ),
]


async def violations(page: Page, rules: Sequence[str] = _ALL) -> Any:
    """Return what axe-core finds on a page as it is now."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    return await page.evaluate(_RUN, [*rules])


async def assert_accessible(page: Page) -> None:
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = await violations(page, _ALL if scheme == "light" else _COLOURS)
        assert found == [], f"{page.url}, {scheme}: {json.dumps(found, indent=1, ensure_ascii=False)}"


async def open_page(visitor: Visitor, address: str) -> None:
    if address == "class":
        await visitor.page.goto(visitor.page.url.partition("/announcements")[0])
        await visitor.open_class()
        return
    await visitor.page.goto(address)
    await visitor.wait_until_online()


async def write_something(visit: Visit) -> None:
    """Have a teacher write a message and announce something to the class, so that no page is empty."""
    paula = await visit("paula")
    await paula.open_class()
    await paula.say("Bom dia! https://exemplo.invalid/")
    await paula.sees("Bom dia! https://exemplo.invalid/")


@pytest.mark.parametrize(
    "login", [login if login == "ana" else pytest.param(login, marks=pytest.mark.long) for login in PAGES]
)
async def test_pages_of_a_role_have_no_violation(visit: Visit, login: str) -> None:
    await write_something(visit)
    visitor = await visit(login, language="pt-BR")
    for address in PAGES[login]:
        await open_page(visitor, address)
        await assert_accessible(visitor.page)


@pytest.mark.long
async def test_people_panel_on_a_phone_has_no_violation(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.open_class()
    await ana.page.locator("#people-button").click()
    await expect(ana.page.locator("#people-close")).to_be_visible()
    await assert_accessible(ana.page)


@pytest.mark.long
async def test_open_menu_has_no_violation(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.page.locator("details.menu summary").click()
    await assert_accessible(ana.page)


@pytest.mark.long
async def test_message_that_waits_has_no_violation(visit: Visit) -> None:
    ana = await visit("ana")
    await ana.open_class()
    with ana.outage():
        await ana.context.set_offline(True)
        await ana.say("Vai chegar depois")
        await expect(ana.page.locator("#pending .row")).to_have_count(1)
        await assert_accessible(ana.page)
        await ana.context.set_offline(False)
        await ana.sees("Vai chegar depois")


async def check_public(visit: Visit, addresses: Sequence[str]) -> None:
    ana = await visit("ana", language="pt-BR")
    await ana.context.clear_cookies()
    with ana.outage():  # the page that is not there is answered with 404, of which the console tells
        for address in addresses:
            await ana.page.goto(address)
            await assert_accessible(ana.page)
    ana.problems = [problem for problem in ana.problems if "404" not in problem]


async def test_public_pages_have_no_violation(visit: Visit) -> None:
    await check_public(visit, PUBLIC)


@pytest.mark.long
async def test_page_of_the_protocol_has_no_violation(visit: Visit) -> None:
    await check_public(visit, ["/docs/protocol"])


@pytest.mark.parametrize(
    "login", ["ana", *(pytest.param(login, marks=pytest.mark.long) for login in ("paula", "diretora", "secretaria"))]
)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pages_fit_the_screen(visit: Visit, login: str, size: tuple[int, int]) -> None:
    visitor = await visit(login, size=size, language="pt-BR")
    for address in PAGES[login]:
        await open_page(visitor, address)
        wide = await visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{visitor.page.url} is {wide} pixels too wide for {size}"
        await visitor.screenshot(f"{login}-{size[0]}x{size[1]}{address.replace('/', '-')}")
