"""What goes wrong with a database before any query is made, in words for whoever runs the server."""


class DatabaseError(Exception):
    """A database cannot be used; the message says which one, why, and what to do."""
