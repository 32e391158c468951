"""What stands around the pages: nothing is out of reach, and where room is little the bars give way."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Portrait and landscape phone, tablet, laptop, desktop, and 1280x1024 at 400 % zoom.
SIZES = [(360, 740), (740, 360), (768, 1024), (1366, 768), (1920, 1080), (320, 256)]
# A landscape phone with its keyboard up, and 400 % zoom.
LITTLE_ROOM = [(740, 180), (740, 360), (320, 256)]
ADDRESSES = {
    "ana": ["/students/", "/students/announcements", "class"],
    "paula": ["/teachers/", "/teachers/announcements", "class", "/accounts/me"],
    "diretora": ["/principal/", "/principal/announcements", "class", "/docs/protocol", "/nothing-here"],
}

# How far the document can be scrolled beyond what is on the page: its body and what is laid out in it.
BEYOND = """() => {
  const {scrollHeight, clientHeight} = document.scrollingElement;
  const end = document.body.getBoundingClientRect().bottom + scrollY;
  return scrollHeight - Math.max(clientHeight, Math.ceil(end));
}"""
LEVELS = "() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({tagName}) => Number(tagName[1]))"


async def addresses_of(visitor: Visitor) -> list[str]:
    """Return the addresses of somebody's pages, with that of a class that has more messages than fit the screen."""
    await visitor.open_class()
    for number in range(1, 6):
        await visitor.say(f"Exercício {number} de {visitor.login}.")
    await visitor.page.locator("#text").fill("linha\n" * 11 + visitor.login)
    await visitor.page.locator(".send").click()
    await visitor.sees(f"Exercício 5 de {visitor.login}.")
    address = visitor.page.url
    return [address if each == "class" else each for each in ADDRESSES[visitor.login]]


async def arrive(visit: Visit, login: str) -> Visitor:
    """Sign somebody in; a principal sees a class without folding anything out once a teacher is there."""
    if login == "diretora":
        await (await visit("paula")).open_class()
    return await visit(login)


async def resize(page: Page, size: tuple[int, int]) -> None:
    await page.set_viewport_size({"width": size[0], "height": size[1]})


@pytest.mark.parametrize(
    "login", ["ana", *(pytest.param(login, marks=pytest.mark.long) for login in ("paula", "diretora"))]
)
async def test_documents_end_with_what_is_on_them_and_headings_skip_no_level(visit: Visit, login: str) -> None:
    visitor = await arrive(visit, login)
    for address in await addresses_of(visitor):
        await visitor.page.goto(address)
        await expect(visitor.page.locator("h1")).to_have_count(1)
        levels = await visitor.page.evaluate(LEVELS)
        assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False)), address
        for size in SIZES:
            await resize(visitor.page, size)
            assert await visitor.page.evaluate(BEYOND) <= 0, f"{address} at {size}"
    visitor.problems = [problem for problem in visitor.problems if "404" not in problem]  # of the last address


@pytest.mark.long
async def test_documents_of_strangers_end_with_what_is_on_them(visit: Visit) -> None:
    ana = await visit("ana")
    await ana.context.clear_cookies()
    for address in ("/accounts/sign-in", "/accounts/first-sign-in"):
        await ana.page.goto(address)
        await expect(ana.page.locator("h1")).to_have_count(1)
        for size in SIZES:
            await resize(ana.page, size)
            assert await ana.page.evaluate(BEYOND) <= 0, f"{address} at {size}"


async def test_the_skip_link_leaves_the_header_where_it_is(visit: Visit) -> None:
    ana = await visit("ana")
    await addresses_of(ana)
    await ana.page.locator(".skip-link").focus()
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.locator("#main")).to_be_focused()
    header = await ana.page.locator(".board-bar").bounding_box()
    assert header is not None
    assert header["y"] == 0


@pytest.mark.parametrize("login", ["ana", pytest.param("diretora", marks=pytest.mark.long)])
async def test_messages_keep_half_of_a_low_screen(visit: Visit, login: str) -> None:
    visitor = await arrive(visit, login)
    await addresses_of(visitor)
    for size in LITTLE_ROOM:
        await resize(visitor.page, size)
        await visitor.screenshot(f"little-room-{login}-{size[0]}x{size[1]}")
        box = await visitor.page.locator("#scroller").bounding_box()
        field = await visitor.page.locator("#text").bounding_box()
        assert box is not None
        assert field is not None
        assert box["height"] >= size[1] / 2
        assert field["y"] + field["height"] <= size[1]
        for reachable in ("#people-button", ".menu summary", "a.back"):
            await expect(visitor.page.locator(reachable)).to_be_in_viewport()
        await visitor.page.locator(".menu summary").click()
        leave = visitor.page.locator("[data-sign-out] button")
        await leave.scroll_into_view_if_needed()
        await expect(leave).to_be_in_viewport(ratio=1)
        await visitor.page.keyboard.press("Escape")
