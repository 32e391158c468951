"""A school without a certificate: a plain http address in its own network.

There the browser lacks what it keeps for secure pages, `crypto.randomUUID` among it.
"""

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import LAN_NAME
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_class_works_on_a_plain_http_address(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana", url=f"http://{LAN_NAME}:{lousa.port}")
    paula = await visit("paula")
    assert not await ana.page.evaluate("isSecureContext || 'randomUUID' in crypto")
    for visitor in (ana, paula):
        await visitor.open_class()
    await ana.say("Sem certificado")
    await paula.sees("Sem certificado")
    await paula.say("Mesmo assim chegou")
    await ana.sees("Mesmo assim chegou")
