"""The export of a person as a page that one can read and print: no script, no style of others, every text escaped."""

from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from server.records.export import Export, parts
from server.records.export_words import FOR_PROGRAMS, columns, titles, values

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;overflow-wrap:anywhere;font-size:.95rem}"
    "h1,h2{line-height:1.2}table+h2,p+h2{margin-top:2rem}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}"
)
# Fields that are times.
_TIMES = frozenset(("at", "began", "ended", "signed_in_at", "since"))
# Fields whose values are the program's own words.
_NAMED = frozenset(("kind", "role", "mark"))


class Words(NamedTuple):
    """What fields and values are called, in one language; what is in neither is shown as it is."""

    columns: Mapping[str, str]
    values: Mapping[str, str]
    yes: str
    nothing: str


def as_page(
    export: Export,
    language: str,
    zone: ZoneInfo,
    translate: Callable[[str], str],
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the page, with times in the school's zone; `kinds` are the words for the audit log's kinds of record."""
    words = Words(columns(translate), {**kinds, **values(translate)}, translate("yes"), translate("Nothing."))
    named = titles(translate)
    lists = "".join(f"<h2>{escape(named[part])}</h2>{_table(rows, zone, words)}" for part, rows in parts(export))
    name, intro = escape(str(export.person["name"])), escape(translate("What the school keeps of you"))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
    person = _table([export.person], zone, words)
    return (
        f'<!doctype html><html lang="{language}"><head>{head}<style>{_STYLE}</style></head>'
        f"<body><h1>{intro}</h1>{person}{lists}</body></html>"
    )


def _table(rows: list[dict[str, Any]], zone: ZoneInfo, words: Words) -> str:
    given = dict.fromkeys(name for row in rows for name in row if name not in FOR_PROGRAMS)
    # A column that says nothing in any row is left out.
    names = [name for name in given if any(row.get(name) not in (None, "", []) for row in rows)]
    if not names:
        return f"<p>{escape(words.nothing)}</p>"
    head = "".join(f"<th>{escape(words.columns.get(name, name))}</th>" for name in names)
    lines = ("".join(f"<td>{_cell(name, row.get(name), zone, words)}</td>" for name in names) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(name: str, value: Any, zone: ZoneInfo, words: Words) -> str:
    if value is None or value is False or value == []:
        return ""
    if value is True:
        return escape(words.yes)
    if name in _TIMES and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, zone).strftime("%Y-%m-%d %H:%M") if value else ""
    if isinstance(value, list):
        return "<br>".join(escape(_line(each)) for each in value)
    return escape(words.values.get(value, value) if name in _NAMED else str(value))


def _line(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
