"""The page of privacy: there before the first sign-in, for everybody after it, with the school's own name."""

from collections.abc import Awaitable, Callable

import pytest

from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


@pytest.mark.parametrize("path", ["/accounts/sign-in", "/accounts/first-sign-in"])
async def test_privacy_is_reached_before_the_first_sign_in(visitor: Visitor, path: str) -> None:
    assert (await visitor.get(path)).has('href="/privacy"')
    page = await visitor.get("/privacy")
    assert page.has("Who can you ask?")
    assert page.has("the office of your school: Escola das Araucárias")


@pytest.mark.parametrize("login", ["ana", "paula", "diretora", "secretaria"])
async def test_privacy_is_in_the_menu_of_everybody(signed_in: SignedIn, login: str) -> None:
    somebody = await signed_in(login)
    page = await somebody.get("/privacy")
    assert page.has("Who can read it?")
    assert page.has('href="/privacy"')
    somebody.language = "pt-BR"
    assert (await somebody.get("/privacy")).has("Quem pode ler?")
