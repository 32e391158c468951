"""`python -m server.locale`: bring every catalog up to date with the strings in the code."""

from server.locale.update import update

update()
