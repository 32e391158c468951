"""Schemas in words and rows: what a page shows of a type."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

# What stands on one line of a page.
LINE_CHARACTERS = 88


class Word(NamedTuple):
    """A piece of text; `anchor` is where on the page it leads, if anywhere, `is_code`: it is written as on the wire."""

    text: str
    anchor: str = ""
    is_code: bool = False


class Field(NamedTuple):
    """One field of an object."""

    name: str
    type: list[Word]
    is_required: bool
    default: str
    description: list[Word]


# Where the name of a type leads.
AnchorOf = Callable[[str], str]


def fields_of(schema: Schema, anchor_of: AnchorOf) -> list[Field]:
    """Return the fields of an object; where it has one of several forms, what they may be in any of them."""
    forms = [form["properties"] for form in schema.get("oneOf", ())]
    return [
        Field(
            name,
            type_words({"anyOf": [form[name] for form in forms]} if forms else field, anchor_of),
            name in schema.get("required", ()),
            "" if field.get("default") is None else json.dumps(field["default"]),
            words_of(_description(field)),
        )
        for name, field in schema.get("properties", {}).items()
    ]


def _description(field: Schema) -> str:
    # Of a field that may be null as well, the description is that of what else it may be.
    descriptions = [each.get("description", "") for each in (field, *field.get("anyOf", ()))]
    return next(filter(None, descriptions), "")


def values_of(schema: Schema) -> list[tuple[str, list[Word]]]:
    """Return the values of an enumeration, with what each means, if it is told."""
    values = schema.get("enum", [])
    return list(zip(values, map(words_of, schema.get("x-enum-descriptions", [""] * len(values))), strict=True))


def type_words(schema: Schema, anchor_of: AnchorOf) -> list[Word]:
    """Say of which type a value is, and within which bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [Word(name, anchor_of(name))]
    if "const" in schema or "enum" in schema:
        return [Word(" | ".join(map(json.dumps, schema.get("enum", [schema.get("const")]))), is_code=True)]
    if "anyOf" in schema:
        return _with(" or ", (type_words(each, anchor_of) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return [Word("list of "), *type_words(schema["items"], anchor_of)]
    if isinstance(schema.get("additionalProperties"), Mapping):
        return [Word("by name, "), *type_words(schema["additionalProperties"], anchor_of)]
    pattern = [Word(", "), Word(schema["pattern"], is_code=True)] if "pattern" in schema else []
    return [Word(schema.get("type", "anything") + "".join(_bounds(schema))), *pattern]


def _with(between: str, parts: Iterable[list[Word]]) -> list[Word]:
    words: list[Word] = []
    for part in parts:
        words += [Word(between), *part] if words else part
    return words


def _bounds(schema: Schema) -> Iterator[str]:
    for low, high, unit in (("minLength", "maxLength", " characters"), ("minimum", "maximum", "")):
        if high in schema:
            yield f", {schema.get(low, 0)} to {'2^53' if schema[high] == 2**53 else schema[high]}{unit}"
        elif low in schema:
            yield f", {schema[low]} or more{unit}"


def words_of(text: str) -> list[Word]:
    """Split a text into what is said and what stands in `backquotes`."""
    parts = text.replace("\n", " ").split("`")
    return [Word(part, is_code=bool(number % 2)) for number, part in enumerate(parts) if part]


def paragraphs_of(text: str) -> list[list[Word]]:
    """Split a text into paragraphs of words."""
    return [words_of(paragraph) for paragraph in text.strip().split("\n\n")]


def example_lines(value: Any, indent: int = 0) -> str:
    """Return JSON in lines of at most LINE_CHARACTERS, as far as that goes, each of them as full as can be."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= LINE_CHARACTERS or not isinstance(value, dict | list):
        return line
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {example_lines(each, indent + 1)}" for name, each in value.items()]
    else:
        parts = [example_lines(each, indent + 1) for each in value]
    lines = [line[0] + parts[0]]
    for part in parts[1:]:
        if "\n" not in lines[-1] + part and indent + len(lines[-1] + part) < LINE_CHARACTERS:
            lines[-1] += f", {part}"
        else:
            lines += [part]
    return f",\n{' ' * (indent + 1)}".join(lines) + line[-1]
