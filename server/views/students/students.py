"""The pages of students."""

from channels.roles import students
from server.views.attendance import AttendanceData, AttendancePage, AttendanceSheet
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


class StudentAttendance(AttendancePage):
    """Who was in the lessons of a class."""

    role = students.ROLE


class StudentAttendanceData(AttendanceData):
    """The same, for the page's scripts."""

    role = students.ROLE


class StudentAttendanceSheet(AttendanceSheet):
    """The same, for a spreadsheet."""

    role = students.ROLE
