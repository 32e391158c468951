"""What the roles are called, on pages and in exports."""

from collections.abc import Callable


def role_words(translate: Callable[[str], str]) -> dict[str, str]:
    """Return the words for the roles, by their names."""
    return {
        "student": translate("Student"),
        "teacher": translate("Teacher"),
        "principal": translate("Principal"),
        "administrator": translate("Office"),
    }
