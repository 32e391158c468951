"""What expires, in words for everybody."""

from collections.abc import Callable

from server.databases.school_settings import SchoolSettings
from server.records.retention import months_of


def expiring_words(translate: Callable[[str], str]) -> dict[str, str]:
    """Return the words for what is kept for the same time, by its name in the settings."""
    return {
        "messages": translate("Messages"),
        "announcements": translate("Announcements"),
        "polls": translate("Polls"),
        "attendance": translate("Lessons and attendance"),
        "notes": translate("Notes to teachers and closed reports"),
        "sign_ins": translate("Sign-ins, with device and internet address"),
        "log": translate("Records of who changed or looked up what"),
    }


def kept_words(settings: SchoolSettings, translate: Callable[[str], str]) -> list[tuple[str, int]]:
    """Return what is kept for how many months only."""
    months = months_of(settings)
    return [(words, months[name]) for name, words in expiring_words(translate).items() if name in months]
