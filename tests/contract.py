"""Checks frames against the protocol's document: each frame must be documented and match its schema.

Stricter than a client may be: an undocumented field is a violation.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jsonschema import Draft7Validator

from server.asyncapi import TABLES, Tables, make_document

Part = dict[str, Any]
Frame = Sequence[Any]  # join_ref, ref, topic, event, payload


class Violation(AssertionError):
    """A frame that does not match the document."""


class Contract:
    """Validates frames against the document."""

    def __init__(self, document: Part) -> None:
        self.document = copy.deepcopy(document)
        self.operations: Mapping[str, Part] = self.document["operations"]
        for schema in _objects(self.document["components"]):
            schema.setdefault("additionalProperties", False)
        # A stock client may add parameters of its own to its joins.
        self.document["components"]["schemas"]["Join"]["additionalProperties"] = True
        self._validators: dict[str, Draft7Validator] = {}

    def check_push(self, role: str, frame: Frame) -> str:
        """Return the name of the operation of this role's push; raises `Violation` if there is none."""
        name, operation = self._operation(role, "receive", frame)
        self._check(operation["messages"], frame)
        return name

    def check_event(self, role: str, frame: Frame) -> str:
        """Return the name of the operation that sends this event to the role."""
        name, operation = self._operation(role, "send", frame)
        self._check(operation["messages"], frame)
        return name

    def check_reply(self, role: str, asked: Frame | None, frame: Frame) -> str | None:
        """Return the name of the operation that succeeded, None for an error reply; `asked` is the push."""
        if frame[4]["status"] == "error":
            self._check([{"$ref": "#/components/messages/error"}], frame)
            return None
        if asked is None:
            raise Violation(f"{frame} answers nothing")
        self.check_push(role, asked)
        name, operation = self._operation(role, "receive", asked)
        self._check(operation["reply"]["messages"], frame)
        return name

    def _operation(self, role: str, action: str, frame: Frame) -> tuple[str, Part]:
        for name, operation in self.operations.items():
            if operation["action"] == action and self._is_of(operation, frame):
                if role not in [tag["name"] for tag in operation["tags"]]:
                    raise Violation(f"{name} is not for a {role}")
                return name, operation
        raise Violation(f"the document knows no {action} of {frame[3]} on {frame[2]}")

    def _is_of(self, operation: Part, frame: Frame) -> bool:
        (message,) = operation["messages"]
        address = re.escape(self.resolve(operation["channel"])["address"]).replace(r"\{id\}", "[0-9]+")
        address = address.replace(r"\{key\}", "[0-9a-f]{16}")
        return self.resolve(message)["name"] == frame[3] and re.fullmatch(address, frame[2]) is not None

    def _check(self, messages: list[Part], frame: Frame) -> None:
        # The first that matches: the status of a reply tells the alternatives apart.
        problems = []
        for message in messages:
            error = next(self._validator(message["$ref"]).iter_errors(list(frame)), None)
            if error is None:
                return
            problems.append(f"{message['$ref']}: {error.message} at {error.json_path}")
        raise Violation(f"{frame}: {'; '.join(problems)}")

    def _validator(self, reference: str) -> Draft7Validator:
        if reference not in self._validators:
            message = self.resolve({"$ref": reference})
            schema = {"allOf": [message["payload"]], "components": self.document["components"]}
            self._validators[reference] = Draft7Validator(schema)
        return self._validators[reference]

    def resolve(self, part: Part) -> Part:
        """Resolve a part through any number of references."""
        while "$ref" in part:
            found: Any = self.document
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            part = found
        return part


def _objects(part: Any) -> Iterator[Part]:
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for value in part.values():
            yield from _objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from _objects(value)


@cache
def contract(tables: Tables = TABLES) -> Contract:
    """Return the contract for a school with these tables."""
    return Contract(make_document("https://lousa.example", tables))
