"""A journal that went back in time, by a restore or a loss: clients are told, whatever they have seen."""

import asyncio
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.lousa import DEMO_SCHOOL, ROOT, Lousa
from tests.phoenix import Connection
from tests.postgresql import PostgreSQL, program

Payload = dict[str, Any]
MakeLousa = Callable[..., Lousa]


async def connect(lousa: Lousa, token: str) -> tuple[Connection, str]:
    """Connect ana, and return her connection and the topic of her first class."""
    connection = await Connection.open(lousa.socket_url("students", token), lambda *event: None)
    me = await connection.join("user:me", {})
    return connection, str(me["topics"][0]["topic"])


async def close(connection: Connection) -> None:
    connection.close()
    await connection.closed.wait()


async def send(lousa: Lousa, token: str, *texts: str) -> Payload:
    """Send messages as ana, and return the position that a client has then."""
    connection, topic = await connect(lousa, token)
    joined = await connection.join(topic, {})
    seq = 0
    for text in texts:
        seq = (await connection.request(topic, "message:send", {"text": text}))["seq"]
    await close(connection)
    return {"since": seq, "epoch": joined["epoch"]}


async def join(lousa: Lousa, token: str, position: Payload) -> Payload:
    """Join ana's class from a position, and return the reply."""
    connection, topic = await connect(lousa, token)
    joined = await connection.join(topic, position)
    await close(connection)
    return joined


def recorded(lousa: Lousa) -> int:
    with closing(sqlite3.connect(lousa.data_dir / "accounts.sqlite3")) as database:
        return int(database.execute("SELECT stored FROM pairing").fetchone()[0])


def start_fails(lousa: Lousa) -> str:
    """Start the server, which must end by itself, and return what it says."""
    done = lousa.attempt("serve", "--port", str(lousa.port))
    assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def test_journal_without_its_write_ahead_file_is_refused_until_accepted(make_lousa: MakeLousa) -> None:
    lousa = make_lousa()
    token = lousa.tokens("ana")["ana"]
    await send(lousa, token, "kept")
    lousa.restart()  # the journal's file has it
    position = await send(lousa, token, "1", "2", "3", "4", "5")
    async with asyncio.timeout(20):
        while recorded(lousa) < position["since"]:
            await asyncio.sleep(0.05)
    lousa.kill()
    (lousa.data_dir / "journal.sqlite3-wal").unlink()
    assert "the journal had 6 events and has 1" in start_fails(lousa)
    assert "New users begin after id" in lousa.run("database", "accept")
    lousa.start()
    await send(lousa, token, "a", "b", "c", "d", "e", "f")  # past the client's position
    joined = await join(lousa, token, position)
    texts = [event["payload"]["text"] for event in joined["events"]]
    assert (joined["complete"], texts) == (False, ["kept", "a", "b", "c", "d", "e", "f"])
    assert joined["epoch"] != position["epoch"]


def chapter(backups: Path, program: str = r"python server\.py") -> list[list[str]]:
    """Return the arguments of each command in the chapter of docs/operations.md, in order, with this for `backups`."""
    text = (ROOT / "docs" / "operations.md").read_text().replace("\\\n", "")
    (found,) = re.findall(r"^## Backup and restore\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line) for line in re.findall(rf"^    {program} (.*)$", found, re.MULTILINE)]
    return [[re.sub(r"^backups\b", str(backups), part) for part in line] for line in lines]


async def test_every_client_is_told_the_truth_after_a_restore(make_lousa: MakeLousa, tmp_path: Path) -> None:
    # As docs/operations.md prints it, but for the place of the backups.
    (tmp_path / "backups").mkdir()
    backup, restore, *_ = chapter(tmp_path / "backups")
    lousa = make_lousa()
    token = lousa.tokens("ana")["ana"]
    before = await send(lousa, token, "1", "2")
    lousa.run(*backup)
    between = await send(lousa, token, "3", "4")
    after = await send(lousa, token, "5", "6", "7")
    assert "stop it first" in lousa.attempt(*restore).stderr
    lousa.stop()
    lousa.run(*restore)
    lousa.start()
    await send(lousa, token, *"abcdef")  # past every position
    for position in (before, between, after):
        joined = await join(lousa, token, position)
        texts = [event["payload"]["text"] for event in joined["events"]]
        assert (joined["complete"], texts) == (False, ["1", "2", *"abcdef"]), position


async def test_folder_put_back_by_hand_is_told_to_clients(make_lousa: MakeLousa, tmp_path: Path) -> None:
    lousa = make_lousa()
    token = lousa.tokens("ana")["ana"]
    before = await send(lousa, token, "1", "2")
    lousa.stop()
    copy = tmp_path / "copy"
    shutil.copytree(lousa.data_dir, copy)
    lousa.start()
    between = await send(lousa, token, "3", "4")
    lousa.stop()
    for file in copy.glob("*.sqlite3"):
        shutil.copy2(file, lousa.data_dir)
    assert "the journal had 4 events and has 2" in start_fails(lousa)
    shutil.copytree(copy, lousa.data_dir, dirs_exist_ok=True)  # with what Lousa has noted beside the files
    lousa.start()
    assert "the file was changed while no server ran" in lousa.log
    await send(lousa, token, *"abcd")
    for position in (before, between):
        assert not (await join(lousa, token, position))["complete"]
    position = await send(lousa, token, "e")
    lousa.restart()
    assert (await join(lousa, token, position))["complete"], "a restart without a restore"


@pytest.mark.long  # in-process tests of both kinds of database: tests/server/backups
async def test_postgresql_is_restored_into_new_databases_as_printed(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    backup, _, restore, *_ = chapter(tmp_path / "backups")
    with PostgreSQL() as server:
        # The printed addresses have no port.
        environment = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "lousa"}

        def create(*arguments: str) -> None:
            subprocess.run([program("createdb"), *arguments], env={**os.environ, **environment}, check=True)

        names = ("accounts", "journal", "audit")
        for name in names:
            create(name)
        urls = [part for name in names for part in ("--database", f"{name}=postgresql://lousa@localhost/{name}")]
        lousa = Lousa(tmp_path / "data", options=urls, environment=environment)
        lousa.run("database", "upgrade")
        lousa.run("roster", "import", str(DEMO_SCHOOL))
        with lousa:
            token = lousa.tokens("ana")["ana"]
            before = await send(lousa, token, "1", "2")
            lousa.run(*backup)
            after = await send(lousa, token, "3", "4")
        for arguments in chapter(tmp_path / "backups", "createdb"):
            create(*arguments)
        lousa.run(*restore)
        new = restore[restore.index("--database") :]
        with Lousa(tmp_path / "data", options=new, environment=environment) as lousa:
            await send(lousa, token, *"abcd")
            for position in (before, after):
                joined = await join(lousa, token, position)
                texts = [event["payload"]["text"] for event in joined["events"]]
                assert (joined["complete"], texts) == (False, ["1", "2", *"abcd"])
            assert "new name" not in lousa.log, "the restore gave it one"
