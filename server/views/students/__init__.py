"""What students see."""

from server.views.students.students import (
    StudentAnnouncements,
    StudentAttendance,
    StudentAttendanceData,
    StudentAttendanceSheet,
    StudentClass,
    StudentClasses,
)

handlers = [
    (r"/students/", StudentClasses),
    (r"/students/classes/([0-9]{1,15})", StudentClass),
    (r"/students/classes/([0-9]{1,15})/attendance", StudentAttendance),
    (r"/students/classes/([0-9]{1,15})/attendance\.json", StudentAttendanceData),
    (r"/students/classes/([0-9]{1,15})/attendance\.csv", StudentAttendanceSheet),
    (r"/students/announcements", StudentAnnouncements),
]
