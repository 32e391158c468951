"""Examples of what goes over the wire, put together from those of the fields."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_PLAIN = {"string": "…", "integer": 1, "boolean": True, "null": None}


class Examples:
    """Makes examples of schemas, which may refer to these `components`."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def of(self, schema: Schema) -> Any:
        """Return a value that fits: of an object, the required fields and those optional ones that have an example."""
        if schema.get("examples"):
            return schema["examples"][0]
        if "$ref" in schema:
            return self.of(self._resolved(schema))
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0])
        if schema.get("type") == "array":
            return [self.of(schema["items"])]
        return self._object(schema) if schema.get("type") == "object" else _PLAIN[schema["type"]]

    def _object(self, schema: Schema) -> dict[str, Any]:
        # Of several forms, the first.
        properties = {**schema.get("properties", {}), **schema.get("oneOf", [{}])[0].get("properties", {})}
        shown = {name: each for name, each in properties.items() if name in schema["required"] or self._has_one(each)}
        return {name: self.of(each) for name, each in shown.items()} | self._entry(schema)

    def _entry(self, schema: Schema) -> dict[str, Any]:
        # Objects without fields of their own are keyed by users' ids.
        entry = schema.get("additionalProperties")
        return {"12": self.of(entry)} if isinstance(entry, Mapping) else {}

    def _has_one(self, schema: Schema) -> bool:
        schema = self._resolved(schema)
        return bool(schema.get("examples")) or any(map(self._has_one, schema.get("anyOf", ())))

    def _resolved(self, schema: Schema) -> Schema:
        return self._components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
