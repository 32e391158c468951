"""How the pages look to one reader: light, dark or as the device, and the size of the text.

The choice is in a cookie, and the server writes it into the page, so that no page shows the other colours first.
"""

from typing import NamedTuple, Self

LOOK_COOKIE = "lousa_look"

THEMES = ("device", "light", "dark")
TEXT_SIZES = ("normal", "large", "larger")


class Look(NamedTuple):
    """A theme and a text size, of the words above."""

    theme: str = THEMES[0]
    text_size: str = TEXT_SIZES[0]

    @classmethod
    def parse(cls, stored: str) -> Self:
        """Return the look that a cookie asks for; what is not known is as the device has it."""
        theme, _, text_size = stored.partition(".")
        return cls(theme if theme in THEMES else THEMES[0], text_size if text_size in TEXT_SIZES else TEXT_SIZES[0])

    @property
    def stored(self) -> str:
        """The value for the cookie."""
        return f"{self.theme}.{self.text_size}"

    @property
    def color_scheme(self) -> str:
        """The value of CSS `color-scheme`, for what the browser draws by itself."""
        return "light dark" if self.theme == "device" else self.theme
