"""An AsyncAPI document as a thing to look up in: what an operation says, and which types it mentions."""

from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]


class Lookup:
    """A document whose references lead within itself."""

    def __init__(self, document: Part) -> None:
        self.document = document
        self.schemas: dict[str, Part] = document["components"]["schemas"]

    def message(self, operation: Part) -> Part:
        """Return the message that is pushed or sent by an operation."""
        return self._resolved(operation["messages"][0])

    def messages(self, operation: Part) -> list[Part]:
        """Return that message and those that may answer it."""
        return [*map(self._resolved, [*operation["messages"], *operation.get("reply", {}).get("messages", ())])]

    def response(self, operation: Part) -> Part:
        """Return the schema of the response to a push that is answered ok."""
        found: Part = payload(self._resolved(operation["reply"]["messages"][0]))["properties"]["response"]
        return found

    def schema(self, schema: Part) -> Part:
        """Return a schema, or the one that it refers to."""
        return self._resolved(schema)

    def mentioned(self, operations: list[Part]) -> set[str]:
        """Return the names of all types that these operations mention, directly or by others."""
        found: set[str] = set()
        wanted = {
            name for each in operations for message in self.messages(each) for name in names_in(message["payload"])
        }
        while wanted:
            found |= wanted
            wanted = {name for each in wanted for name in names_in(self.schemas[each])} - found
        return found

    def _resolved(self, part: Part) -> Part:
        while "$ref" in part:
            found: Any = self.document
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            part = found
        return part


def payload(message: Part) -> Part:
    """Return the schema of what a message carries in its frame, `[join_ref, ref, topic, event, payload]`."""
    found: Part = message["payload"]["items"][4]
    return found


def name_of(schema: Part) -> str:
    """Return the name of the type that a schema refers to; nothing where it refers to none."""
    name: str = schema.get("$ref", "").rpartition("/")[2]
    return name


def names_in(part: Any) -> Iterator[str]:
    """Return the names of the types that are referred to anywhere in a part."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield name_of(part)
        for each in part.values():
            yield from names_in(each)
    elif isinstance(part, list):
        for each in part:
            yield from names_in(each)
