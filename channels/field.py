"""Types of fields that several payloads share: their bounds, and a meaning and an example for authors of clients."""

from typing import Annotated

import msgspec

from channels.limit import (
    MAX_PUSH_ID_CHARACTERS,
    MAX_QUOTE_CHARACTERS,
    MAX_REASON_CHARACTERS,
    MAX_REMARK_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_TITLE_CHARACTERS,
)

# The largest integer that JavaScript represents exactly is 2**53.
Position = Annotated[
    int, msgspec.Meta(ge=0, le=2**53, description="A position in the topic: that of one of its events.", examples=[42])
]
Milliseconds = Annotated[int, msgspec.Meta(description="Milliseconds since 1970.", examples=[1_795_608_000_000])]

# The end of a pattern for whole values, in the dialects of Python and of JavaScript: in Python, whose `\Z` the other
# does not know, `$` also matches before a newline at the end.
END = r"(?!\n)$"

# Printable ASCII: the id is a key in the database, and every member of the topic gets it.
PushId = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^[\x21-\x7e]{{1,{MAX_PUSH_ID_CHARACTERS}}}{END}",
        description="Chosen by the author's client. A push that is sent again under the same id counts once.",
        examples=["b7f3-12"],
    ),
]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS, examples=["Bom dia, turma!"])]
ShownText = Annotated[
    str,
    msgspec.Meta(max_length=MAX_TEXT_CHARACTERS, description="Empty where it is hidden.", examples=["Bom dia, turma!"]),
]
Reason = Annotated[str, msgspec.Meta(max_length=MAX_REASON_CHARACTERS, examples=["Nome de um colega."])]
Remark = Annotated[str, msgspec.Meta(max_length=MAX_REMARK_CHARACTERS, examples=["Começou ontem."])]
QuotedText = Annotated[
    str,
    msgspec.Meta(
        max_length=MAX_QUOTE_CHARACTERS,
        description="Shortened; empty where it is hidden.",
        examples=["Bom dia, turma!"],
    ),
]
Title = Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARACTERS, examples=["Prova de Matemática"])]

Epoch = Annotated[
    str,
    msgspec.Meta(
        description="The name of the journal. Positions of another journal mean nothing in this one.",
        examples=["8f9b7385826804f8"],
    ),
]

EventName = Annotated[str, msgspec.Meta(pattern="^[a-z:]{1,64}" + END)]

Identity = Annotated[int, msgspec.Meta(description="The number of a user or class.", examples=[12])]
Name = Annotated[str, msgspec.Meta(examples=["Ana Ribeiro"])]
ClassTitle = Annotated[str, msgspec.Meta(examples=["6º A · Matemática"])]
TopicName = Annotated[str, msgspec.Meta(examples=["class:7"])]
