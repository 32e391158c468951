"""The keeper: what wakes it, and what one of several workers then claims."""

from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.clock import now_ms
from server.databases import Databases, reading, writing
from server.databases.erasures import begin_again, unfinished
from server.records.erase import Eraser
from tests.channels.support import ANA


async def _nothing(_users: set[int] | None) -> None:
    pass


async def test_erasure_by_the_office_wakes_every_worker(databases: Databases, school: int) -> None:
    woken: list[int] = []
    accounts = [Accounts(databases.sessions("accounts")) for _ in range(2)]
    watchers = [ChangeWatcher(each, _nothing, on_school_changed=lambda: woken.append(1)) for each in accounts]
    for each in watchers:
        await each.start()
        await each.stop()
    await Eraser(databases).begin(ANA.user.id, "keep", None, here=False)
    for each in watchers:
        await each.look()
    for one in accounts:
        one.close()
    assert len(woken) == 2


async def test_erasure_is_claimed_by_one_worker(databases: Databases, school: int) -> None:
    await Eraser(databases).begin(ANA.user.id, "keep", None, here=False)
    claimed = []
    async with reading(databases.sessions("audit")) as db:
        (waiting,) = await unfinished(db, now_ms())
    for _ in range(2):
        async with writing(databases.sessions("audit")) as db:
            claimed.append(await begin_again(db, waiting, now_ms()))
    assert claimed == [True, False]
