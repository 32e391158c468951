"""Errors of the databases, with messages for the administrator. Other packages need not know the drivers' errors."""

from channels.errors import Unavailable


class DatabaseError(Exception):
    """A database cannot be used; the message says which one, why, and what to do."""


class DatabasesApart(DatabaseError):
    """The databases do not belong together; the message says how that shows, and what to do."""


class DatabaseReadOnly(DatabaseError):
    """A database answers and cannot be written; the message says why."""


class DatabaseUnavailable(DatabaseError, Unavailable):
    """A database does not answer now, or is too busy: the same operation may succeed later."""
