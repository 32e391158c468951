"""What the school's office sees: its people, and what it may do for them."""

from server.views.administrators import provider, roster
from server.views.administrators.announcements import OfficeAnnouncements
from server.views.administrators.badges import BADGES, BADGES_OF_CLASS, OfficeBadges, SwitchBadges
from server.views.administrators.cards import CARDS, CARDS_OF_CLASS, CardsPage, OfficeCards
from server.views.administrators.classes import CLASS, CLASSES, ClassesOfSchool, PeopleOfClass
from server.views.administrators.erase import ErasePerson
from server.views.administrators.export import ExportPerson
from server.views.administrators.people import PeoplePage
from server.views.administrators.person import (
    PEOPLE,
    PERSON,
    ClassOfPersonPage,
    DisablePerson,
    EndSignInOfPerson,
    NewPerson,
    PersonPage,
    RenamePerson,
    ResetPerson,
    UnlinkPerson,
)
from server.views.administrators.records import RECORDS, LiftHold, RecordsPage, SetHold
from server.views.administrators.school import SCHOOL, SchoolPage
from server.views.administrators.settings import (
    HOURS,
    LOGO,
    SETTINGS,
    LogoUpload,
    OfficeHours,
    RemoveLogo,
    SettingsPage,
)
from server.views.administrators.tokens import TOKENS, RevokeToken, TokensPage

handlers = [
    (r"/administrators/", PeoplePage),
    (rf"{PEOPLE}/new", NewPerson),
    (PERSON, PersonPage),
    (rf"{PERSON}/reset", ResetPerson),
    (rf"{PERSON}/enabled", DisablePerson),
    (rf"{PERSON}/sign-ins/end", EndSignInOfPerson),
    (rf"{PERSON}/unlink", UnlinkPerson),
    (rf"{PERSON}/name", RenamePerson),
    (rf"{PERSON}/classes", ClassOfPersonPage),
    (rf"{PERSON}/erase", ErasePerson),
    (rf"{PERSON}/export", ExportPerson),
    (CLASSES, ClassesOfSchool),
    (CLASS, PeopleOfClass),
    *roster.handlers,
    *provider.handlers,
    (BADGES, SwitchBadges),
    (BADGES_OF_CLASS, OfficeBadges),
    (CARDS, CardsPage),
    (CARDS_OF_CLASS, OfficeCards),
    (SCHOOL, SchoolPage),
    (SETTINGS, SettingsPage),
    (LOGO, LogoUpload),
    (f"{LOGO}/remove", RemoveLogo),
    (HOURS, OfficeHours),
    (RECORDS, RecordsPage),
    (rf"{RECORDS}/holds", SetHold),
    (rf"{RECORDS}/holds/lift", LiftHold),
    (TOKENS, TokensPage),
    (rf"{TOKENS}/revoke", RevokeToken),
    (r"/administrators/announcements", OfficeAnnouncements),
]
