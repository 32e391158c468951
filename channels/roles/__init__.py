"""The real-time engine; it knows nothing of pages.

`handlers` are the socket routes of every role, and `ROLES` their tables of rules. A new kind of user is one new file
beside `students.py` and a line in each list.
"""

from channels.roles import principal, students, teachers

ROLES = (students.RULES, teachers.RULES, principal.RULES)

handlers = [*students.handlers, *teachers.handlers, *principal.handlers]
