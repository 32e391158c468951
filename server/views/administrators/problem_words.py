"""The problems of an export in the reader's language: the checks say them in English, as the command line does.

“x7” is not in the export.  ->  "%s is not in the export.", “x7”  ->  “x7” não está na exportação.
"""

import re
from collections.abc import Callable
from functools import cache

Translate = Callable[[str], str]


def message_in_words(message: str, translate: Translate) -> str:
    """Return what is wrong; a message that is not known as it is."""
    for known, translated in _messages(translate):
        if found := known.fullmatch(message):
            return translated % found.groups()
    return message


def kind_in_words(kind: str, translate: Translate) -> str:
    """Return what was left out, or read in a likely sense; an unknown kind as it is."""
    return translate(kind) if kind in kinds(str) else kind


@cache
def _messages(translate: Translate) -> list[tuple[re.Pattern[str], str]]:
    # What says more goes first: the place of a shorter one might take in a part of it.
    return [(pattern(each), translate(each)) for each in sorted(messages(str), key=_literal, reverse=True)]


def _literal(message: str) -> int:
    return len(message) - 2 * message.count("%s")


def pattern(message: str) -> re.Pattern[str]:
    """Return what fits a message whatever stands in its places."""
    return re.compile(re.escape(message).replace("%s", "(.+?)"), re.DOTALL)


def messages(translate: Translate) -> list[str]:
    """Return what the checks of rosters say; `%s` is a value, a number or a name."""
    return [
        translate("This is not a zip that can be read: %s."),
        translate("The zip has %s entries, where %s are allowed."),
        translate("The zip unpacks to %s bytes, where %s are allowed."),
        translate("The zip has %s twice."),
        translate("The entry %s has no name, or one with characters that no file name has."),
        translate("The entry %s has a path that leads out of the zip."),
        translate("The entry %s is a link or a device, not a file."),
        translate("The entry %s is encrypted: make the zip without a password."),
        translate("The entry %s is packed in a way other than “deflate”, which every program that makes zips has."),
        translate("The entry %s is too large: %s bytes, where %s are allowed."),
        translate("The entry %s unpacks to more than %s times its size, as no export does."),
        translate("The zip holds %s exports, each with its manifest.csv: import one at a time."),
        translate("The folder holds %s exports, each with its manifest.csv: import one at a time."),
        translate("The folder has it twice: as %s and as %s."),
        translate("The file is too large: %s bytes, where %s are allowed."),
        translate("The file or folder cannot be opened: %s."),
        translate("The file cannot be read: %s."),
        translate("There is no manifest.csv: give the folder or zip of a OneRoster 1.1 or 1.2 export."),
        translate("%s says something else in an earlier row."),
        translate("oneroster.version is %s; OneRoster 1.1 and 1.2 can be read."),
        translate("file.%s is %s, none of bulk, delta and absent."),
        translate("%s.csv holds only changes (delta): make a complete export (bulk)."),
        translate("%s.csv is there, although file.%s says absent."),
        translate("%s.csv is not there, although file.%s says bulk."),
        translate("%s.csv is missing: without it nobody can be enrolled."),
        translate("There are %s schools, and nothing that stands above them all: whose server is this?"),
        translate("%s is longer than %s characters."),
        translate(
            "%s of %s enrolments do not fit the other files, the first in line %s: are users.csv and "
            "classes.csv complete?"
        ),
        translate("User %s is a %s, and enrolled as a %s."),
        translate("%s begins with %s, as no login can."),
        translate("%s is the e-mail of several; this login is the identifier %s."),
        translate("%s is the login of the user in line %s already."),
        translate("%s looks like the name in line %s, in other characters."),
        translate("Another command changed the same users during the import: import again."),
        translate("This is the server of %s (sourcedId %s): another school needs a server of its own."),
        translate(
            "This import would end %s users, %s classes and %s enrolments: is the export complete? If it "
            "is, confirm their number: --confirm-ended %s."
        ),
        translate("%s of %s people have no role: is roles.csv complete?"),
        translate("The file has no student, teacher or principal."),
        translate("%s is neither “true” nor “false”."),
        translate("roles.csv gives no role to user %s."),
        translate("%s is not in the export."),
        translate("%s is neither “active” nor “tobedeleted”."),
        translate("%s stands in an earlier row already."),
        translate("%s stands in an earlier row, which differs."),
        translate("The value is missing."),
        translate("The value has %s characters, where %s are allowed."),
        translate("%s holds a character that cannot be seen: %s. Type the value again, without it."),
        translate("%s is not a date such as 2026-02-28."),
        translate("%s is not a role of OneRoster %s; in OneRoster 1.2 a principal is “principal”."),
        translate("%s is not a role of OneRoster %s."),
        translate("%s is neither “primary” nor “secondary”."),
        translate("User %s has another role in line %s, which counts as much."),
        translate("%s is not there."),
        translate("%s of %s people are not in users.csv: is that file complete?"),
        translate("The file has more than %s rows."),
        translate("The row has %s values, where the header has %s."),
        translate("The text is not UTF-8: export or save the file as “CSV UTF-8”."),
        translate("A row has more than %s bytes: is a quote opened here and not closed?"),
        translate("There is a NUL byte, which no text has: export or save the file as “CSV UTF-8”."),
        translate("The file is empty; it must have a header."),
        translate("The header does not have this column."),
        translate("The header has this column twice."),
        translate("%s, %s by hand, is %s of the roster from now on."),
        translate(
            "%s is the login of somebody who was created by hand on this server, as a %s, and here of a %s: "
            "give one of them another login."
        ),
        translate(
            "%s is the login of somebody who was created by hand on this server, and this user has another "
            "account from earlier rosters: keep the earlier login."
        ),
        translate(
            "A login from before this import belongs to somebody else by now: give that person another login first."
        ),
        translate("Only the last import that changed something can be undone, and only once."),
        translate("The provider sends the same records again: its pages cannot be trusted."),
        translate("There are more than %s records."),
        translate("%s of %s records came: the rest is missing."),
        translate("The answer is not JSON; it may be a page for people to sign in."),
        translate("The answer has no list “%s”."),
        translate("The provider answers %s."),
        translate("The provider does not let us in."),
        translate("The provider gives no token: it answers %s."),
        translate("The provider cannot be reached: %s."),
        translate("This is not CSV: %s."),
        translate("A quote is opened here and never closed."),
        translate("A value is far too long: is a quote opened here and not closed?"),
        translate("After a closing quote comes neither a separator nor the end of the line."),
        translate("Lines must end with LF or CRLF; this one has a CR alone."),
    ]


def kinds(translate: Translate) -> list[str]:
    """Return what the summaries of imports count."""
    return [
        translate("accounts made by hand, taken over"),
        translate("classes marked as gone"),
        translate("enrolments in a role that is not the user's, left out"),
        translate("enrolments marked as gone"),
        translate("enrolments of people or in classes that are not in the export, left out"),
        translate("enrolments of people or in classes that are skipped"),
        translate("enrolments that are there twice"),
        translate("enrolments that have ended"),
        translate("lists of grades, shortened"),
        translate("people enabled or not by another word than true and false"),
        translate("people marked as gone"),
        translate("people who are not enabled"),
        translate("people whose names look alike"),
        translate("people whose role has ended or not begun"),
        translate("people with the same e-mail, whose login is the identifier"),
        translate("people without a role, left out"),
        translate("references to nothing, ignored"),
        translate("roles of people who are not in the export, left out"),
        translate("rows that are there twice"),
        translate("rows without their last empty values, or with more"),
        translate("aide"),
        translate("proctor"),
        translate("counselor"),
        translate("staff"),
        translate("contact"),
        translate("parent"),
        translate("guardian"),
        translate("relative"),
    ]
