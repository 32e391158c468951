"""Where a word is: in the databases of a school, and in the memory of a worker."""

import gc
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

# What is not a worker's own: code, and what leads to everything else of the process.
_NOT_ENTERED = (ModuleType, type, BuiltinFunctionType)


def tables_with(word: str, data_dir: Path) -> set[str]:
    """Return the tables of a school's SQLite files in which any value of any row has a word."""
    found = set()
    for file in sorted(data_dir.glob("*.sqlite3")):
        with sqlite3.connect(file) as database:
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = database.execute(f'SELECT * FROM "{table}"')
                if any(word.encode() in _as_bytes(value) for row in rows for value in row):
                    found.add(f"{file.stem}.{table}")
    return found


def events_with(word: str, data_dir: Path) -> set[str]:
    """Return the kinds of event whose payload has a word."""
    with sqlite3.connect(data_dir / "journal.sqlite3") as journal:
        return {kind for kind, payload in journal.execute("SELECT event, payload FROM events") if word in payload}


def votes_kept(target: int, topic: str, data_dir: Path) -> list[int | None]:
    """Return what is kept of the choices about an event: None where it was forgotten."""
    query = "SELECT value FROM choices JOIN topics ON topics.id = topic_id WHERE name = ? AND target = ?"
    with sqlite3.connect(data_dir / "journal.sqlite3") as journal:
        return [value for (value,) in journal.execute(query, (topic, target))]


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def memory_with(word: str, root: object, *, without: tuple[type, ...] = ()) -> list[str]:
    """Return how each string or bytes with a word is reached from an object; objects of some types are not entered."""
    gc.collect()
    wanted = word, word.encode()
    seen = {id(root)}
    waiting: list[tuple[object, str]] = [(root, type(root).__name__)]
    found = []
    while waiting:
        each, path = waiting.pop()
        for inner in _inside(each):
            if id(inner) in seen or isinstance(inner, (*_NOT_ENTERED, *without)):
                continue
            seen.add(id(inner))
            if inner is word:
                continue  # what is looked for
            if isinstance(inner, str | bytes | bytearray):
                if wanted[isinstance(inner, bytes | bytearray)] in inner:  # type: ignore[operator]
                    found.append(f"{path}: {inner!r}")
            else:
                waiting.append((inner, f"{path} > {type(inner).__name__}"))
    return found


def _inside(each: Any) -> Iterator[object]:
    if isinstance(each, FunctionType):
        # Not its globals: these are the whole module.
        yield from (each.__defaults__ or (), each.__closure__ or ())
        return
    yield from gc.get_referents(each)
