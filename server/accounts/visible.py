"""The rule for all names, titles and logins: every character is visible.

Control characters break lines; others turn the direction of a text (U+202E), or make one name look like another.
"""


def first_invisible(text: str) -> str | None:
    """Return the first invisible character, as in `U+202E`, or None. A blank counts as visible."""
    if text.isprintable():
        return None
    return next(f"U+{ord(character):04X}" for character in text if not character.isprintable())
