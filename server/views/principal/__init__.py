"""What the principal sees."""

from server.views.principal.principal import Dashboard, PrincipalAnnouncements, PrincipalClass

handlers = [
    (r"/principal/", Dashboard),
    (r"/principal/classes/([0-9]{1,15})", PrincipalClass),
    (r"/principal/announcements", PrincipalAnnouncements),
]
