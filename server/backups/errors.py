"""What goes wrong with a backup, in words for the administrator."""

from server.databases.errors import DatabaseError


class BackupError(DatabaseError):
    """A backup cannot be made or restored; the message says why, and what to do."""
