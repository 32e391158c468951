"""Reading formulas: a page sends their TeX when it first shows some."""

from typing import Annotated

import msgspec
from tornado.web import HTTPError

from server.formulas import MAX_SOURCE_CHARACTERS, read_formula
from server.views.base import Page

# More than a screen shows; a page with more asks again. 50 of the worst take 20 ms, as much as a page.
MAX_FORMULAS = 50


class Formula(msgspec.Struct, frozen=True):
    """One formula; `block`: set on lines of its own."""

    source: Annotated[str, msgspec.Meta(max_length=MAX_SOURCE_CHARACTERS)]
    block: bool = False


class Asked(msgspec.Struct, frozen=True):
    """What a page asks for."""

    formulas: Annotated[list[Formula], msgspec.Meta(max_length=MAX_FORMULAS)]


class Answer(msgspec.Struct, frozen=True):
    """Their trees, in the same order; null where a formula cannot be read."""

    formulas: list[msgspec.Raw]


class Formulas(Page):
    """Anybody who has signed in may ask. A POST, because what users write belongs into no log and on no disk."""

    def post(self) -> None:
        """Answer with the trees."""
        try:
            asked = msgspec.json.decode(self.request.body, type=Asked)
        except msgspec.MsgspecError as error:
            raise HTTPError(400, "no formulas") from error
        self.set_header("Content-Type", "application/json; charset=utf-8")
        trees = [read_formula(each.source, block=each.block) for each in asked.formulas]
        self.finish(msgspec.json.encode(Answer(trees)))
