"""Refuses a connection pooler that gives each transaction another connection of PostgreSQL (PgBouncer's pool modes).

Prepared statements, which the drivers use, and advisory locks stay with one connection. In session mode a client has
one for as long as it is connected, and everything works. In transaction mode errors come later, under load, in the
middle of a lesson. Supporting it would make every statement slower, and leaves no lock that ends with its holder.

A pooler invents the process id of the cancel key that a client gets, because the id of PostgreSQL's process would not
stay true. So that id, compared with `pg_backend_pid()`, tells whether there is a pooler.
"""

from contextlib import AsyncExitStack

import asyncpg
from sqlalchemy.engine import URL

from server.databases.engine import POSTGRESQL_CONNECT_SECONDS, asyncpg_dsn
from server.databases.errors import DatabaseError

# A pooler with free connections may happen to give a client the same one again. Other clients make that less likely.
ROUNDS = 5


async def check_pooler(name: str, url: URL) -> bool:
    """Return whether a pooler is in front; raise DatabaseError for one that does not keep a client's connection.

    Raise what asyncpg raises where it cannot be reached.
    """
    async with AsyncExitStack() as stack:
        try:
            client = await _connect(stack, url)
            process = await _process(client)
            if process == client.get_server_pid():
                return False
            is_kept = await _keeps(stack, url, client, process)
        except asyncpg.ProtocolViolationError:  # PgBouncer in statement mode refuses transactions
            is_kept = False
        except asyncpg.ConnectionDoesNotExistError as error:
            if not isinstance(error.__cause__, asyncpg.ProtocolViolationError):
                raise
            is_kept = False
    if not is_kept:
        raise DatabaseError(
            f"The database “{name}” is behind a connection pooler that gives each transaction another connection, as "
            "PgBouncer does with pool_mode = transaction. Set pool_mode = session, or name PostgreSQL itself."
        )
    return True


async def _keeps(stack: AsyncExitStack, url: URL, client: asyncpg.Connection, process: int) -> bool:
    """Return whether a client keeps its connection while another one has a transaction open."""
    for _ in range(ROUNDS):
        other = await _connect(stack, url)
        async with other.transaction():
            if await _process(other) == process or await _process(client) != process:
                return False
    return True


async def _connect(stack: AsyncExitStack, url: URL) -> asyncpg.Connection:
    # Without cached statements, so that this check works with every pooler.
    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=POSTGRESQL_CONNECT_SECONDS, statement_cache_size=0)
    stack.callback(connection.terminate)
    return connection


async def _process(connection: asyncpg.Connection) -> int:
    async with connection.transaction():
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
