"""The pages of parents."""

from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage
from tests.server.parents import role as parents


class ParentClasses(ClassesPage):
    """The classes of a parent's children."""

    role = parents.ROLE


class ParentClass(ClassPage):
    """One of these classes."""

    role = parents.ROLE


class ParentAnnouncements(AnnouncementsPage):
    """The announcements for parents."""

    role = parents.ROLE
