"""The parts of a new role: `ROLE` (its file in channels/roles) and a package of views (this one).

The example of docs/adding-a-role.md; tests/server/test_a_new_role.py adds it to a running server.
"""

from tests.server.parents.parents import ParentAnnouncements, ParentClass, ParentClasses

handlers = [
    (r"/parents/", ParentClasses),
    (r"/parents/classes/([0-9]{1,15})", ParentClass),
    (r"/parents/announcements", ParentAnnouncements),
]
