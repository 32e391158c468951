"""The records of a school by law: what is erased, given out, and kept for how long.

Erasures are listed outside of accounts and journal, and applied again to a restored backup:

    erasures (audit database) --- erase_again() ---> accounts, journal     after a restore
"""

from server.databases import Databases, reading
from server.databases.erasures import all_erasures


async def erase_again(databases: Databases) -> int:
    """Apply the list of erasures to accounts and a journal that were restored; return how many persons it has.

    For a command, while no server runs. Raises DatabaseError where a database does not answer.
    """
    async with reading(databases.sessions("audit")) as db:
        return len(await all_erasures(db))
