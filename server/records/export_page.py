"""The export of a person as a page that one can read and print: no script, no style of others, every text escaped."""

from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from server.records.export import Export, parts

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;overflow-wrap:anywhere}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}"
)
# Fields that are times.
_TIMES = frozenset(("at", "began", "ended", "signed_in_at", "since"))


def as_page(export: Export, language: str, zone: ZoneInfo, translate: Callable[[str], str]) -> str:
    """Return the page, with times in the school's zone."""
    name = escape(str(export.person["name"]))
    titles = {
        "classes": translate("Classes"),
        "wrote": translate("What you wrote"),
        "former_versions": translate("What your messages said before"),
        "chose": translate("Your votes and acknowledgements"),
        "read": translate("How far you have read"),
        "present": translate("When you were in lessons"),
        "attendance": translate("Corrections of your attendance"),
        "did": translate("Your sign-ins, and what else is recorded of you"),
        "read_by": translate("Who has looked at or changed what concerns you"),
    }
    lists = "".join(f"<h2>{escape(titles[part])}</h2>{_table(rows, zone, translate)}" for part, rows in parts(export))
    head = f'<meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    intro = escape(translate("What the school keeps of you"))
    person = _table([export.person], zone, translate)
    return (
        f'<!doctype html><html lang="{language}"><head>{head}</head><body><h1>{intro}</h1>{person}{lists}</body></html>'
    )


def _table(rows: list[dict[str, Any]], zone: ZoneInfo, translate: Callable[[str], str]) -> str:
    if not rows:
        return f"<p>{escape(translate('Nothing.'))}</p>"
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ("".join(f"<td>{_cell(name, row.get(name), zone)}</td>" for name in names) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(name: str, value: Any, zone: ZoneInfo) -> str:
    if value is None or value == []:
        return ""
    if name in _TIMES and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, zone).strftime("%Y-%m-%d %H:%M") if value else ""
    if isinstance(value, list):
        return "<br>".join(escape(_line(each)) for each in value)
    return escape(str(value))


def _line(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
