"""Names the browser and the system of a device for its user: "Firefox · Windows".

It reads the User-Agent header, which says what the browser likes: a help to recognize one's own devices, and nothing to
decide by. Both words are names, the same in every language.
"""

from collections.abc import Sequence

# What the header has, and the name; of several that are there the first counts (Edge also says Chrome, Chrome Safari).
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "Chromebook"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
# Longer headers are made up.
_READ_CHARACTERS = 512


def device_name(user_agent: str) -> str:
    """Return the words for a User-Agent header; what is not known is left out, so they may be empty."""
    header = user_agent[:_READ_CHARACTERS]
    return " · ".join(name for name in (_first(_BROWSERS, header), _first(_SYSTEMS, header)) if name)


def _first(names: Sequence[tuple[str, str]], header: str) -> str:
    return next((name for sign, name in names if sign in header), "")
