"""The pages of teachers."""

from channels.member import STUDENT
from channels.roles import teachers
from server.views.attendance import AttendanceData, AttendancePage, AttendanceSheet
from server.views.badges import ClassBadges
from server.views.cards import ClassCards
from server.views.classroom import AnnouncementsPage, ClassesPage, ClassPage
from server.views.transcript import Transcript


class TeacherClasses(ClassesPage):
    """A teacher's classes."""

    role = teachers.ROLE


class TeacherClass(ClassPage):
    """One of a teacher's classes."""

    role = teachers.ROLE


class TeacherTranscript(Transcript):
    """The transcript of one of a teacher's classes."""

    role = teachers.ROLE


class TeacherAnnouncements(AnnouncementsPage):
    """What concerns a teacher."""

    role = teachers.ROLE


class TeacherAttendance(AttendancePage):
    """Who was in the lessons of a class."""

    role = teachers.ROLE


class TeacherAttendanceData(AttendanceData):
    """The same, for the page's scripts."""

    role = teachers.ROLE


class TeacherAttendanceSheet(AttendanceSheet):
    """The same, for a spreadsheet."""

    role = teachers.ROLE


class TeacherCards(ClassCards):
    """Cards for the pupils of one of a teacher's classes."""

    role = teachers.ROLE
    made_for = STUDENT


class TeacherBadges(ClassBadges):
    """Badges for the pupils of one of a teacher's classes."""

    role = teachers.ROLE
