"""Folds names and logins for finding: without accents, capitals and signs, as people type them."""

import unicodedata

# As wide as the column.
MAX_FOLDED_CHARACTERS = 1_024


def folded_words(text: str) -> list[str]:
    """Return the words of a text, folded: "Ribeiro-Élan, 6º" has ribeiro, elan, 6o."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if letter.isalnum() else " " for letter in letters).split()


def folded(name: str, login: str) -> str:
    """Return what a person is found by: each word after a blank, the name's before the login's."""
    words = [*folded_words(name), *folded_words(login)]
    return "".join(f" {word}" for word in words)[:MAX_FOLDED_CHARACTERS]
