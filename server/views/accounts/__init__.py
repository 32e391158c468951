"""Signing in and out, the way to one's own pages, one's account, the language and the look: what all roles share."""

from server.views.accounts.accounts import FIRST_ADMINISTRATOR, FirstSignIn, Home, Patience, SignIn, SignOut, Status
from server.views.accounts.appearance import ChooseLook
from server.views.accounts.badge import BadgeSignIn
from server.views.accounts.first_administrator import FirstAdministratorPage
from server.views.accounts.language import Catalog, ChooseLanguage
from server.views.accounts.own import ChangePassword, EndSignIn, OwnAccountPage
from server.views.accounts.privacy import Privacy
from server.views.accounts.through import BackFromProvider, EndedAtProvider, ToProvider

handlers = [
    (r"/", Home),
    (r"/accounts/sign-in", SignIn),
    (r"/accounts/first-sign-in", FirstSignIn),
    (r"/accounts/badge", BadgeSignIn),
    (FIRST_ADMINISTRATOR, FirstAdministratorPage),
    (r"/accounts/patience", Patience),
    (r"/accounts/through/([a-z0-9-]{1,32})", ToProvider),
    (r"/accounts/through/([a-z0-9-]{1,32})/back", BackFromProvider),
    (r"/accounts/through/([a-z0-9-]{1,32})/logout", EndedAtProvider),
    (r"/accounts/sign-out", SignOut),
    (r"/accounts/status", Status),
    (r"/accounts/me", OwnAccountPage),
    (r"/privacy", Privacy),
    (r"/accounts/password", ChangePassword),
    (r"/accounts/sign-ins/end", EndSignIn),
    (r"/accounts/look", ChooseLook),
    (r"/accounts/language", ChooseLanguage),
    (r"/accounts/language/([A-Za-z_]{2,8})\.js", Catalog),
]
