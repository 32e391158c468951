"""The pages of students."""

from channels.member import Role
from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage


class StudentClasses(ClassesPage):
    """A student's classes."""

    role = Role.STUDENT


class StudentClass(ClassPage):
    """One of a student's classes."""

    role = Role.STUDENT


class StudentAnnouncements(AnnouncementsPage):
    """What concerns a student."""

    role = Role.STUDENT
