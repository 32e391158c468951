"""What the index of texts makes of an event: the stems of its words, behind the one of its topic."""

from collections.abc import Callable, Collection, Mapping

from channels.journal.words import stems

# What an event says; empty where it says nothing.
TextOf = Callable[[bytes], str]


class SearchTexts:
    """Reads events: `texts` says of each kind that can be found what its words are.

    `amending` names the kinds that change the event which they are about.
    """

    def __init__(self, texts: Mapping[str, TextOf], amending: Collection[str]) -> None:
        self._texts = dict(texts)
        self.amending = frozenset(amending)
        self.kinds = [*self._texts, *self.amending]

    def said(self, event: str, payload: str) -> str:
        """Return the text of an event."""
        text_of = self._texts.get(event)
        return text_of(payload.encode()) if text_of is not None else ""

    def stems(self, topic_id: int, said: str) -> str:
        """Return what the index stores of such a text in a topic."""
        return " ".join((topic_stem(topic_id), *sorted(stems(said))))


def topic_stem(topic_id: int) -> str:
    """Return the stem that all texts of a topic have."""
    # § is in no word.
    return f"§{topic_id}"
