"""What students see."""

from server.views.students.students import StudentAnnouncements, StudentClass, StudentClasses

handlers = [
    (r"/students/", StudentClasses),
    (r"/students/classes/([0-9]{1,15})", StudentClass),
    (r"/students/announcements", StudentAnnouncements),
]
