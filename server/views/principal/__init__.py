"""What the principal sees."""

from server.views.principal.history import ClassHistory
from server.views.principal.hours import HoursPage
from server.views.principal.principal import (
    Dashboard,
    PrincipalAnnouncements,
    PrincipalAttendance,
    PrincipalAttendanceData,
    PrincipalAttendanceSheet,
    PrincipalClass,
    PrincipalTranscript,
)
from server.views.principal.school_history import SchoolHistory

handlers = [
    (r"/principal/", Dashboard),
    (r"/principal/classes/([0-9]{1,15})", PrincipalClass),
    (r"/principal/classes/([0-9]{1,15})/attendance", PrincipalAttendance),
    (r"/principal/classes/([0-9]{1,15})/attendance\.json", PrincipalAttendanceData),
    (r"/principal/classes/([0-9]{1,15})/attendance\.csv", PrincipalAttendanceSheet),
    (r"/principal/classes/([0-9]{1,15})/transcript\.(csv|json)", PrincipalTranscript),
    (r"/principal/classes/([0-9]{1,15})/history", ClassHistory),
    (r"/principal/announcements", PrincipalAnnouncements),
    (r"/principal/history", SchoolHistory),
    (r"/principal/hours", HoursPage),
]
