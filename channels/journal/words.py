"""Splits a text into the words by which it is found: without case and accents, each by its stems.

    "As avaliações de Ciências"  ->  {"as", "avali", "de", "cienc", …}

A word has two stems, a Portuguese and an English one, because nobody says which language a message is in. Both
databases store and compare the stems as they are, so that they find the same. A Portuguese word is brought to one form
first, also where its author left out the accents: the stemmer knows "avaliação" and "avaliações", not "avaliacoes".

Not found: a part of a word, and words of languages that write no blanks between them.
"""

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

# Longer words are no words; PostgreSQL takes 2 KB.
MAX_WORD_CHARACTERS = 40

# A word costs 80 µs, one that is kept 0.3 µs: people use some thousands of words again and again. 15 MB at most.
KEPT_WORDS = 50_000

_WORD = re.compile(r"[^\W_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_PORTUGUESE = snowballstemmer.stemmer("portuguese")
_ENGLISH = snowballstemmer.stemmer("english")

# Plurals that change the word, and endings that the stemmer knows with their accents only.
_FORMS = [
    (re.compile(r"oes$"), "ao"),
    (re.compile(r"ais$"), "al"),
    (re.compile(r"veis$"), "vel"),
    (re.compile(r"ns$"), "m"),
    (re.compile(r"(?<=[au])cao$"), "ção"),
    (re.compile(r"ancia(?=s?$)"), "ância"),
    (re.compile(r"encia(?=s?$)"), "ência"),
    (re.compile(r"avel$"), "ável"),
    (re.compile(r"ivel$"), "ível"),
]


def stems(text: str) -> set[str]:
    """Return the stems of all words of a text."""
    return set().union(*map(stems_of, words(text)))


def words(text: str) -> list[str]:
    """Return the words of a text, in order, without case and accents."""
    return [word[:MAX_WORD_CHARACTERS] for word in _WORD.findall(_folded(text))]


def stems_of(word: str) -> frozenset[str]:
    """Return the stems of a word that `words` returned."""
    # Both stemmers leave a number as it is; and each would take the place of a word that is used again.
    return frozenset((word,)) if word.isdecimal() else _stems_of(word)


@lru_cache(maxsize=KEPT_WORDS)
def _stems_of(word: str) -> frozenset[str]:
    form = word
    for pattern, instead in _FORMS:
        form = pattern.sub(instead, form)
    return frozenset((_folded(_PORTUGUESE.stemWord(form)), _ENGLISH.stemWord(word)))


def _folded(text: str) -> str:
    # The loops are C's, but for the characters that are not ASCII once their accents are apart.
    apart = unicodedata.normalize("NFKD", text.casefold())
    return _NOT_ASCII.sub(_without_accent, apart).casefold()


def _without_accent(found: re.Match[str]) -> str:
    return "" if unicodedata.combining(found[0]) else found[0]
