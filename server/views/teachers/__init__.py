"""What teachers see."""

from server.views.teachers.teachers import TeacherAnnouncements, TeacherClass, TeacherClasses

handlers = [
    (r"/teachers/", TeacherClasses),
    (r"/teachers/classes/([0-9]{1,15})", TeacherClass),
    (r"/teachers/announcements", TeacherAnnouncements),
]
