"""Signing in and out, the way to one's own pages, and the language: what anybody may see."""

from server.views.accounts.accounts import FirstSignIn, Home, Patience, SignIn, SignOut, Status
from server.views.accounts.language import Catalog, ChooseLanguage

handlers = [
    (r"/", Home),
    (r"/accounts/sign-in", SignIn),
    (r"/accounts/first-sign-in", FirstSignIn),
    (r"/accounts/patience", Patience),
    (r"/accounts/sign-out", SignOut),
    (r"/accounts/status", Status),
    (r"/accounts/language", ChooseLanguage),
    (r"/accounts/language/([A-Za-z_]{2,8})\.js", Catalog),
]
