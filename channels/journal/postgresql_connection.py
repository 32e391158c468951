"""Settings and errors of every connection to PostgreSQL: the journal writer's and those of SQLAlchemy's engines."""

import asyncpg

# asyncpg raises it on a connection on which an error came that nothing had asked for: PgBouncer tells so that it lost
# PostgreSQL. SQLAlchemy passes it on as it is.
BROKEN = asyncpg.InternalClientError

# Has PostgreSQL notice within 25 s that the machine of a client is gone or cut off; by default it takes two hours, or
# 15 minutes while a reply is unconfirmed. So long the connection counts, and a transaction keeps its locks. Sent as a
# statement: PgBouncer refuses a connection that begins with such settings.
NOTICE_GONE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = 25000"
)
