"""Cards as one file, for those who make them at the command line and print them in a browser."""

from tornado.template import Loader

from server.cards.card import Card
from server.locale import Language
from server.views.static import ROOT


def sheet_of(cards: list[Card], school: str, address: str, language: Language) -> str:
    """Return the file, an HTML page with its style."""
    style = (ROOT / "static" / "style" / "cards.css").read_text()
    told = {"cards": cards, "school": school, "address": address, "language": language, "style": style, "logo": ""}
    loader = Loader(str(ROOT / "templates"))
    return loader.load("cards_sheet.html").generate(_=language.locale.translate, **told).decode()
