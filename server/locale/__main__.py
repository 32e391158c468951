"""`python -m server.locale`: update every catalog from the strings in the code."""

from server.locale.update import update

update()
