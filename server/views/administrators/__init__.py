"""What the school's office sees: its people, and what it may do for them."""

from server.views.administrators.announcements import OfficeAnnouncements
from server.views.administrators.people import PeoplePage

handlers = [
    (r"/administrators/", PeoplePage),
    (r"/administrators/announcements", OfficeAnnouncements),
]
