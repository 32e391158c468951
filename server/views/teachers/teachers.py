"""The pages of teachers."""

from channels.roles import teachers
from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage


class TeacherClasses(ClassesPage):
    """A teacher's classes."""

    role = teachers.ROLE


class TeacherClass(ClassPage):
    """One of a teacher's classes."""

    role = teachers.ROLE


class TeacherAnnouncements(AnnouncementsPage):
    """What concerns a teacher."""

    role = teachers.ROLE
