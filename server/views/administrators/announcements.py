"""What is announced to the whole school, for its office to read."""

from channels.roles import administrators
from server.views.classroom import AnnouncementsPage


class OfficeAnnouncements(AnnouncementsPage):
    """The announcements of the school."""

    role = administrators.ROLE
