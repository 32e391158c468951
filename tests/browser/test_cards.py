"""Cards on paper: the QR codes that the browser prints open the first sign-in, with both fields filled in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from pyzbar.pyzbar import ZBarSymbol, decode  # type: ignore[import-untyped]

from channels.transports.credential import SIGN_IN_COOKIE
from tests.browser.visitor import PHONE, TIMEOUT_MS, Visitor
from tests.lousa import Lousa
from tests.roster import write_school

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STUDENTS = 11
PAPERS = ("A4", "Letter")
# As a phone sees a card: a pixel is a sixth of a millimetre or less. A camera takes many pictures, from many distances.
SCALES = (2, 2.5, 3)


@pytest.fixture
def lousa(tmp_path: Path) -> Iterator[Lousa]:
    """Run a server whose school has an office, and pupils who have no password yet."""
    write_school(tmp_path / "roster", STUDENTS)
    with ExitStack() as servers:
        data = Lousa(tmp_path / "data")
        data.run("roster", "import", str(tmp_path / "roster"))
        made = ("--role", "administrator", "--name", "Rosa", "--password-stdin")
        data.run("user", "create", "secretaria", *made, stdin="quatro palavras bem verdes\n")
        yield servers.enter_context(data)


@pytest_asyncio.fixture(loop_scope="session")
async def office(browser: Browser, lousa: Lousa) -> AsyncIterator[Visitor]:
    """Open the pages of the office."""
    visitor = await Visitor.arrive(browser, lousa.url, "secretaria")
    (token,) = lousa.tokens("secretaria").values()
    await visitor.context.add_cookies([{"name": SIGN_IN_COOKIE, "value": token, "url": lousa.url}])
    await visitor.page.goto("/administrators/cards")
    yield visitor
    visitor.check()


def printed_codes(pdf: bytes) -> list[list[str]]:
    """Return what the QR codes on each page of a PDF say, in the order in which a reader finds them."""
    return [_read(page) for page in pypdfium2.PdfDocument(pdf)]


def _read(page: pypdfium2.PdfPage) -> list[str]:
    pictures = [page.render(scale=scale, grayscale=True) for scale in SCALES]
    images = [(bytes(each.buffer), each.stride, each.height) for each in pictures]
    found = (code.data.decode() for image in images for code in decode(image, [ZBarSymbol.QRCODE]))
    return list(dict.fromkeys(found))


async def test_qr_code_of_a_printed_card_fills_in_the_first_sign_in(browser: Browser, office: Visitor) -> None:
    page = office.page
    await page.get_by_role("link", name="Turma 1").click()
    await page.get_by_role("button", name="Make 12 cards").click()
    await expect(page.locator(".card")).to_have_count(STUDENTS + 1)
    await office.screenshot("cards")
    printed = {paper: printed_codes(await page.pdf(format=paper, print_background=False)) for paper in PAPERS}
    assert [[len(each) for each in pages] for pages in printed.values()] == [[10, 2], [10, 2]]
    address = next(each for pages in printed["A4"] for each in pages if "student00001" in each)
    pupil = await Visitor.arrive(browser, address.partition("/accounts")[0], "student00001", size=PHONE)
    await pupil.page.goto(address)
    await expect(pupil.page.locator("#login")).to_have_value("student00001")
    await expect(pupil.page.locator("#password")).to_be_focused()
    assert "#" not in pupil.page.url, "nobody finds the code in the address"
    await pupil.screenshot("first-sign-in-from-card")
    await pupil.page.locator("#password").fill("três palavras verdes")
    await pupil.page.locator("#password").press("Enter")
    await pupil.page.wait_for_url("**/students/**", timeout=TIMEOUT_MS)
    pupil.check()


@pytest.mark.long
async def test_printed_badge_signs_in_by_itself(browser: Browser, office: Visitor) -> None:
    page = office.page
    await page.goto("/administrators/classes/1/badges")
    await page.get_by_role("button", name="Switch badges on").click()
    await page.get_by_role("button", name="Make 11 badges").click()
    await expect(page.locator(".badge-card")).to_have_count(STUDENTS)
    await office.screenshot("badges")
    address = printed_codes(await page.pdf(format="A4", print_background=False))[0][0]
    pupil = await Visitor.arrive(browser, address.partition("/accounts")[0], "pupil", size=PHONE)
    await pupil.page.goto(address)
    await pupil.page.wait_for_url("**/students/**", timeout=TIMEOUT_MS)
    await pupil.wait_until_online()
    await pupil.page.goto(address)
    await expect(pupil.page.get_by_role("button", name="No, it is me")).to_be_visible()
    await pupil.screenshot("badge-signed-in")
    pupil.check()
