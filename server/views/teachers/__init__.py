"""What teachers see."""

from server.views.teachers.reset import NewStudentCode
from server.views.teachers.teachers import (
    TeacherAnnouncements,
    TeacherAttendance,
    TeacherAttendanceData,
    TeacherAttendanceSheet,
    TeacherBadges,
    TeacherCards,
    TeacherClass,
    TeacherClasses,
    TeacherTranscript,
)

handlers = [
    (r"/teachers/", TeacherClasses),
    (r"/teachers/classes/([0-9]{1,15})", TeacherClass),
    (r"/teachers/classes/([0-9]{1,15})/attendance", TeacherAttendance),
    (r"/teachers/classes/([0-9]{1,15})/attendance\.json", TeacherAttendanceData),
    (r"/teachers/classes/([0-9]{1,15})/attendance\.csv", TeacherAttendanceSheet),
    (r"/teachers/classes/([0-9]{1,15})/transcript\.(csv|json)", TeacherTranscript),
    (r"/teachers/classes/([0-9]{1,15})/people/([0-9]{1,18})/code", NewStudentCode),
    (r"/teachers/classes/([0-9]{1,15})/badges", TeacherBadges),
    (r"/teachers/classes/([0-9]{1,15})/cards", TeacherCards),
    (r"/teachers/announcements", TeacherAnnouncements),
]
