"""What a check found: how it stands with one thing, and what to do about it."""

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "error"]


class Finding(NamedTuple):
    """One thing; `advice` says what to do, and is empty where it stands well.

    An error keeps Lousa from serving, or loses something; a warning does so one day, or for some.
    """

    part: str
    state: State
    text: str
    advice: str = ""


def ok(part: str, text: str) -> Finding:
    """Return that something stands well."""
    return Finding(part, "ok", text)


def warning(part: str, text: str, advice: str) -> Finding:
    """Return that something is to be mended some day."""
    return Finding(part, "warning", text, advice)


def error(part: str, text: str, advice: str) -> Finding:
    """Return that something is to be mended now."""
    return Finding(part, "error", text, advice)
