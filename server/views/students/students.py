"""The pages of students."""

from channels.roles import students
from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage


class StudentClasses(ClassesPage):
    """A student's classes."""

    role = students.ROLE


class StudentClass(ClassPage):
    """One of a student's classes."""

    role = students.ROLE


class StudentAnnouncements(AnnouncementsPage):
    """What concerns a student."""

    role = students.ROLE
