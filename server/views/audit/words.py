"""What the audit log's records are called on the page, in the order of the filter."""

from collections.abc import Callable

Translate = Callable[[str], str]
Group = tuple[str, str, dict[str, str]]


def groups(translate: Translate) -> list[Group]:
    """Return the groups of kinds: a name for the address, the words for it, and the words for each of its kinds.

    A kind that is in no group is shown by its own name, and counts as moderation.
    """
    return [
        ("moderation", translate("Moderation"), _moderation(translate)),
        ("reading", translate("Reading former texts and records"), _reading(translate)),
        ("sign-ins", translate("Sign-ins and passwords"), _sign_ins(translate)),
        ("school", translate("The school's data and settings"), _school(translate)),
    ]


def group_of(kind: str, translate: Translate) -> str:
    """Return the words for the first group that a kind is in."""
    found = groups(translate)
    return next((words for _, words, kinds in found if kind in kinds), found[0][1])


def words_of_kinds(translate: Translate) -> dict[str, str]:
    """Return the words for each kind."""
    return {kind: words for _, _, kinds in groups(translate) for kind, words in kinds.items()}


def _moderation(translate: Translate) -> dict[str, str]:
    return {
        "message:hidden": translate("hid a message"),
        "announcement:withdrawn": translate("withdrew an announcement"),
        "message:restored": translate("showed a hidden message again"),
        "flag:closed": translate("closed a report"),
        "attendance:corrected": translate("corrected the attendance of a student"),
        "chat:locked": translate("locked the chat"),
        "chat:unlocked": translate("unlocked the chat"),
        "chat:slowed": translate("set slow mode"),
        "hours:changed": translate("changed the hours of a class"),
        "member:muted": translate("muted a student"),
        "member:unmuted": translate("unmuted a student"),
    }


def _reading(translate: Translate) -> dict[str, str]:
    return {
        "message:original": translate("read the former text of a message"),
        "attendance:exported": translate("exported a class's attendance"),
        "class:exported": translate("exported a class"),
        "person:exported": translate("gave out all that is kept of a person"),
        "audit:exported": translate("exported these records"),
    }


def _sign_ins(translate: Translate) -> dict[str, str]:
    return {
        "sign-in:made": translate("signed in"),
        "sign-in:ended": translate("signed out a device"),
        "sign-in:refused": translate("A sign-in was refused"),
        "identity:linked": translate("signed in through the school for the first time"),
        "identity:forgotten": translate("A user's accounts at the school's providers were forgotten"),
        "password:chosen": translate("signed in for the first time and chose a password"),
        "password:changed": translate("changed the password"),
        "password:refused": translate("gave a wrong password to change it"),
        "password:set": translate("A password was set"),
        "codes:made": translate("Codes for the first sign-in were made"),
        "badges:made": translate("Badges were made"),
        "badge:used": translate("signed in with a badge"),
        "code:made": translate("A new code was made in place of the password"),
        "token:made": translate("A token for a program was made"),
        "token:revoked": translate("A token for a program was revoked"),
    }


def _school(translate: Translate) -> dict[str, str]:
    return {
        "hours:changed": translate("changed the hours of a class"),
        "hours:set": translate("The hours of classes were set"),
        "settings:set": translate("The settings of the school were changed"),
        "roster:imported": translate("The roster was imported"),
        "roster:refused": translate("A roster was refused"),
        "roster:provider-set": translate("Where the roster is fetched from was set"),
        "roster:provider-removed": translate("The roster is no longer fetched"),
        "roster:undone": translate("The last import of the roster was undone"),
        "user:created": translate("An account was made"),
        "user:disabled": translate("An account was disabled"),
        "user:enabled": translate("An account was enabled"),
        "user:renamed": translate("A name was changed"),
        "user:role-set": translate("A role was changed"),
        "enrolment:made": translate("Somebody was put into a class"),
        "enrolment:ended": translate("Somebody was taken out of a class"),
        "badges:on": translate("Badges that sign in were switched on"),
        "badges:off": translate("Badges that sign in were switched off"),
        "database:backup": translate("A backup was made"),
        "hold:set": translate("A legal hold was set"),
        "hold:lifted": translate("A legal hold was lifted"),
        "records:begun": translate("The nightly deletion of old records began"),
        "records:expired": translate("What is older than the school keeps it was deleted"),
        "person:erased": translate("A person was erased"),
        "database:restored": translate("A backup was restored"),
    }
