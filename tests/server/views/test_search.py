"""The page that finds messages and announcements."""

from collections.abc import Awaitable, Callable

from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def test_everybody_who_is_signed_in_can_search(signed_in: SignedIn, visitor: Visitor) -> None:
    for login, home in (("ana", "/students/"), ("paula", "/teachers/"), ("diretora", "/principal/")):
        answer = await (await signed_in(login)).get("/search?text=prova")
        assert answer.status == 200
        assert answer.fields["text"] == "prova"
        assert f'href="{home}announcements"' in answer.text
        assert 'href="/search"' in answer.text
    assert (await visitor.get("/search")).status == 302


async def test_search_is_limited_to_a_class_of_ones_own(signed_in: SignedIn, school: School) -> None:
    ana = await signed_in("ana")
    assert (await ana.get(f"/search?topic=class:{school.mathematics}")).has("6º A · Matemática</bdi></label>")
    for topic in (f"class:{school.history}", "x", "school"):
        assert not (await ana.get(f"/search?topic={topic}")).has('name="topic"')
