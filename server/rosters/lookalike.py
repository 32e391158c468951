"""Names of different spelling that look alike, by Unicode's table of confusable characters (UTS #39).

`skeleton` makes the same text of names that cannot be told apart: a Cyrillic а of a Latin one, I of l. Nothing is
refused for it, because people are called what they are called; the administrator is told.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module

import regex

from server.rosters.problems import Remarks, shown
from server.rosters.roster import User

_IGNORED = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


def remark_on_lookalikes(users: Sequence[User], remarks: Remarks) -> None:
    """Remark on each user whose name looks like an earlier user's, but is spelled in other characters."""
    first: dict[str, User] = {}
    for user in users:
        earlier = first.setdefault(skeleton(user.name), user)
        if earlier.name != user.name:
            message = f"{shown(user.name)} looks like the name in line {earlier.line}, in other characters."
            remarks.add("people whose names look alike", "users.csv", user.line, "givenName", message)


def skeleton(name: str) -> str:
    """Return what a name looks like: the same text for two names exactly if they are confusable."""
    plain = unicodedata.normalize("NFD", _IGNORED.sub("", name))
    return unicodedata.normalize("NFD", plain.translate(_prototypes()))


@cache
def _prototypes() -> Mapping[int, str]:
    """Return what stands for each confusable character; the table is read at first use, as it takes 15 MB."""
    table: Mapping[str, Sequence[Mapping[str, str]]]
    table = import_module("confusable_homoglyphs.confusables").confusables_data
    likes = {char: [_plain(like["c"]) for like in found] for char, found in table.items()}

    def weight(char: str) -> tuple[int, bool, str]:
        # The one that most others look like; of a pair of equals, an ASCII one.
        return -len(likes.get(char, ())), not char.isascii(), char

    return {ord(char): min([char, *found], key=weight) for char, found in likes.items() if len(char) == 1}


def _plain(char: str) -> str:
    # The table frames right-to-left characters with marks of direction.
    return char.strip("\u200e")
