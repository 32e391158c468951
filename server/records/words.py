"""What expires, and what an erasure leaves, in words for everybody."""

from collections.abc import Callable

from channels.lesson.erasing import Way
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


def ways_in_words(translate: Callable[[str], str]) -> dict[Way, str]:
    """Return in words what becomes of what a person wrote who is erased."""
    return {
        "remove": translate("It goes, also where it is quoted or was reported"),
        "unlink": translate("It stays, and nothing shows which texts are by the same person"),
        "keep": translate("It stays, under “Former pupil”"),
    }


def kept_words(settings: SchoolSettings, translate: Callable[[str], str]) -> list[tuple[str, int]]:
    """Return what is kept for how many months only."""
    months = months_of(settings)
    return [(words, months[name]) for name, words in expiring_words(translate).items() if name in months]
