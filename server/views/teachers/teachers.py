"""The pages of teachers."""

from channels.member import Role
from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage


class TeacherClasses(ClassesPage):
    """A teacher's classes."""

    role = Role.TEACHER


class TeacherClass(ClassPage):
    """One of a teacher's classes."""

    role = Role.TEACHER


class TeacherAnnouncements(AnnouncementsPage):
    """What concerns a teacher."""

    role = Role.TEACHER
