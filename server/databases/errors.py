"""What goes wrong with a database, in words for whoever runs the server. Nobody outside needs to know its driver's."""

from channels.errors import Unavailable


class DatabaseError(Exception):
    """A database cannot be used; the message says which one, why, and what to do."""


class DatabaseUnavailable(DatabaseError, Unavailable):
    """A database that was there does not answer, or is too busy: the same may work a little later."""
