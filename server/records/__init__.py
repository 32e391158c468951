"""The records of a school by law: what is erased, given out, and kept for how long.

Erasures are listed outside of accounts and journal, and applied again to a restored backup:

    erasures (audit database) --- erase_again() ---> accounts, journal
"""

from server.databases import Databases, reading
from server.databases.erasures import all_erasures
from server.records.erase import Eraser
from server.records.scrub import scrub


async def erase_again(databases: Databases) -> int:
    """Apply the list of erasures to accounts and a journal that were restored; return how many persons it has.

    For a command, while no server runs. Raises DatabaseError where a database does not answer.
    """
    async with reading(databases.sessions("audit")) as db:
        listed = [erasure.user_id for erasure in await all_erasures(db)]
    for user_id in listed:
        await Eraser(databases).apply_again(user_id)
    if listed:
        await scrub(databases)
    return len(listed)
