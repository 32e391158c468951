"""What can be seen of a text, by Unicode's own tables: one rule for messages and for names, titles and logins.

A message is kept as it was written, and must show something. A name is tidied and then has nothing in it that cannot
be seen, because two names that look alike are two people who cannot be told apart:

* Hints to the layout (soft hyphens, direction marks) and joiners without effect are taken out: they come by copying.
* Joiners that choose a letter's shape stay: Persian, Sinhala and others are written with them, and emoji are made so.
* Everything else that is invisible is refused, and so is what turns the direction of the text around it (U+202E).
"""

import unicodedata

import regex

# White space, control characters and halves of surrogate pairs, all that Unicode says to show as nothing, and five that
# it calls symbols or letters and that fonts leave blank: Braille without dots, a musical and two Egyptian ones, and
# the mark that stands for an unreadable annotation.
_UNSEEN = (
    r"\s\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}"
    r"\u2800\U0001D159\U00013441\U00013442\uFFFC"
)
_SEEN = regex.compile(rf"[^{_UNSEEN}]")

# Soft hyphen, combining grapheme joiner, marks of direction, zero-width and no-break blanks without width, word joiner,
# and the operators that formulas leave out.
_HINTS = regex.compile(r"[\u00AD\u034F\u061C\u200B\u200E\u200F\u2060-\u2064\uFEFF]+")

# Scripts whose letters change their shape beside a joiner: those written in one stroke, and those of India and beyond.
_SHAPING = "".join(
    rf"\p{{Script={name}}}"
    for name in (
        *("Arabic", "Syriac", "Nko", "Mandaic", "Mongolian", "Phags_Pa", "Adlam", "Hanifi_Rohingya"),
        *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam"),
        *("Sinhala", "Khmer", "Myanmar", "Tibetan", "Balinese", "Javanese"),
    )
)
# An emoji with its colour or its form, which another may follow.
_EMOJI = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?"
# The places where what is invisible has an effect that is seen.
_EFFECTIVE = regex.compile(
    rf"(?<=[{_SHAPING}])\u200C(?=[{_SHAPING}])"  # keeps two letters apart
    rf"|(?<=[{_SHAPING}])\u200D"  # joins to the next letter, or to none as at the end of an abbreviation
    rf"|(?<={_EMOJI})\u200D(?=\p{{Extended_Pictographic}})"
    r"|(?<=\p{Extended_Pictographic})[\uFE0E\uFE0F]|\uFE0F(?=\u20E3)"  # as a picture or as a sign; keycaps
    r"|(?<=[\p{Han}\p{Sm}])[\uFE00-\uFE0F\U000E0100-\U000E01EF]"  # variants of characters, which Japanese names have
    r"|(?<=\p{Script=Mongolian})[\u180B-\u180F]"
    r"|(?<=\U0001F3F4)[\U000E0020-\U000E007E]+\U000E007F"  # flags of regions, spelled in tags
)
_EFFECTIVE_OR_JOINERS = regex.compile(rf"(?P<kept>{_EFFECTIVE.pattern})|[\u200C\u200D\uFE00-\uFE0F]")
# What a name may not have. Private characters look as each font likes.
_REFUSED = regex.compile(rf"(?! )[{_UNSEEN}\p{{Co}}]")


def is_visible(text: str) -> bool:
    """Return whether a text shows anything at all."""
    return _SEEN.search(text) is not None


def tidy_name(text: str) -> str:
    """Return a name on one line, in one spelling (NFC), without layout hints and joiners that have no effect."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = _EFFECTIVE_OR_JOINERS.sub(lambda found: found["kept"] or "", _HINTS.sub("", text))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def first_refused(name: str) -> str | None:
    """Return the first character that a tidied name may not have, as in `U+202E`, or None."""
    if name.isascii() and name.isprintable():
        return None
    found = _REFUSED.search(_EFFECTIVE.sub("", name))
    return f"U+{ord(found[0]):04X}" if found else None
