"""What the parts, the columns and the values of an export are called on the page that one reads."""

from collections.abc import Callable, Mapping

from server.role_words import role_words

Translate = Callable[[str], str]

# Numbers by which programs find things again: in the JSON alone.
FOR_PROGRAMS = frozenset(("id", "position", "target", "lesson", "up_to", "delivered", "value"))


def titles(translate: Translate) -> Mapping[str, str]:
    """Return what the parts are called, by the names of the export's fields."""
    return {
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


def columns(translate: Translate) -> Mapping[str, str]:
    """Return what the columns are called."""
    return {
        "name": translate("Name"),
        "login": translate("Login"),
        "role": translate("Role"),
        "signed_in_at": translate("Last signed in"),
        "relatives": translate("Guardians and relatives"),
        "signs_in_through": translate("Signs in through"),
        "title": translate("Title"),
        "active": translate("Now"),
        "begins": translate("From"),
        "ends": translate("Until"),
        "began": translate("From"),
        "ended": translate("Until"),
        "kind": translate("What"),
        "at": translate("When"),
        "where": translate("Where"),
        "text": translate("Text"),
        "note": translate("Note"),
        "question": translate("Question"),
        "options": translate("Answers"),
        "reason": translate("Why"),
        "outcome": translate("Outcome"),
        "mark": translate("Attendance"),
        "by": translate("By whom"),
        "device": translate("Device"),
        "address": translate("Internet address"),
    }


def values(translate: Translate) -> Mapping[str, str]:
    """Return the words for roles, and for kinds of what people write; others are in the audit log's words."""
    return {
        **role_words(translate),
        "message:sent": translate("Message"),
        "message:edited": translate("Message, edited"),
        "message:flagged": translate("A report"),
        "message:pinned": translate("Pinned message"),
        "message:reacted": translate("Reaction"),
        "message:unreacted": translate("Reaction taken back"),
        "note:sent": translate("Note to the teacher"),
        "announcement:sent": translate("Announcement"),
        "announcement:corrected": translate("Announcement, corrected"),
        "announcement:scheduled": translate("Announcement for later"),
        "announcement:acknowledged": translate("Announcement acknowledged"),
        "poll:opened": translate("Poll"),
        "poll:closed": translate("Poll closed"),
        "lesson:started": translate("Lesson begun"),
        "lesson:ended": translate("Lesson ended"),
        "hand:raised": translate("Hand raised"),
        "hand:lowered": translate("Hand lowered"),
        "late": translate("late"),
        "present": translate("present"),
        "absent": translate("absent"),
        "excused": translate("excused"),
    }
