"""The machine: the data folder with its permissions and its disk, open files, the clock, and SQLite."""

import os
import pwd
import resource
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from server.checks.finding import Finding, error, ok, warning
from server.settings import Settings

# Below this a roster import or a day of messages may not fit: an import of 100,000 users needs some 200 MB.
LOW_BYTES = 1024 * 1024 * 1024
# Below this a busy morning fills the disk.
NO_BYTES = 100 * 1024 * 1024

# SQLite's write-ahead log needs shared memory, which these do not give (sqlite.org/wal.html).
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "glusterfs", "ceph")

# Files of a worker that are no client's: databases, Redis, listening sockets, the log, and those kept back.
OTHER_FILES = 256


def check_folder(settings: Settings) -> Iterator[Finding]:
    """Check that the data folder can be written, by nobody else, and that its disk has room."""
    part, folder = "data folder", settings.data_dir
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        who = f"chown {_user()} {existing}"
        yield error(
            part, f"{existing} cannot be written by {_user()}.", f"As root: {who}; or choose another --data-dir."
        )
        return
    if not folder.exists():
        yield warning(part, f"{folder} does not exist; the first start makes it.", "Is it the right --data-dir?")
    else:
        yield from _check_access(folder)
    yield _check_disk(existing)


def _check_access(folder: Path) -> Iterator[Finding]:
    part = "data folder"
    is_open = stat.S_IMODE(folder.stat().st_mode) & 0o077
    others = [each for each in sorted(folder.iterdir()) if each.stat().st_uid != os.geteuid()]
    if is_open:
        yield warning(part, f"Other users of this machine may enter {folder}.", f"chmod 700 {folder}")
    if others or folder.stat().st_uid != os.geteuid():
        owner = _user((others or [folder])[0].stat().st_uid)
        yield error(
            part,
            f"{(others or [folder])[0]} belongs to {owner}, and this check runs as {_user()}.",
            f"Run Lousa and its commands as one user: sudo -u {owner} …, or as root: chown -R {_user()} {folder}",
        )
    if not is_open and not others:
        yield ok(part, f"{folder} can be written, by {_user()} only.")


def _check_disk(folder: Path) -> Finding:
    part, free = "disk", shutil.disk_usage(folder).free
    places = os.statvfs(folder)
    if places.f_files and not places.f_favail:
        return error(part, "No more files can be made on the disk (it has no free inodes).", "Delete files on it.")
    text = f"{free / 1024**3:.1f} GiB are free."
    if free < NO_BYTES:
        return error(part, text, "Make room now: on a full disk every message is refused.")
    if free < LOW_BYTES:
        return warning(part, text, "Make room: on a full disk every message is refused.")
    return ok(part, text)


def check_files(settings: Settings, clients: int) -> Finding:
    """Check that each worker may have as many open files as clients are wanted."""
    part, (_, limit) = "open files", resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients // settings.workers + OTHER_FILES
    text = f"A process started from here may open {limit} files; {clients} clients need {wanted} in each worker."
    if limit != resource.RLIM_INFINITY and limit < wanted:
        return error(part, text, f"In the unit of systemd: LimitNOFILE={2 * wanted}; in a shell, as root: ulimit -n")
    return ok(part, text)


def check_clock() -> Iterator[Finding]:
    """Check that something keeps the clock right, where this machine's systemd knows."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return  # no systemd, as in a container: the machine around it keeps the clock
    if answer == "no":
        advice = "timedatectl set-ntp true: the times of messages and the hours of classes are this machine's."
        yield warning("clock", "Nothing keeps this machine's clock right.", advice)
    else:
        yield ok("clock", "The clock is kept right over the network.")


def check_sqlite(settings: Settings) -> Iterator[Finding]:
    """Check SQLite, where a database is a file: its version, and the file system."""
    if not any(url.startswith("sqlite") for url in settings.databases.values()):
        return
    folder = next(each for each in (settings.data_dir, *settings.data_dir.parents) if each.exists())
    kind = _file_system(folder)
    if kind in NETWORK_FILE_SYSTEMS:
        advice = "Keep the data on a disk of this machine, or the databases in PostgreSQL: files there get damaged."
        yield error("SQLite", f"{folder} is on a file system of the network ({kind}).", advice)
    connection = sqlite3.connect(":memory:")
    has_search = connection.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0]
    connection.close()
    if not has_search:
        yield error("SQLite", f"SQLite {sqlite3.sqlite_version} has no FTS5.", "Use a Python whose SQLite has it.")
    else:
        yield ok("SQLite", f"SQLite {sqlite3.sqlite_version} on {kind or 'an unknown file system'}.")


def _file_system(folder: Path) -> str:
    """Return the kind of the file system that a folder is on; the empty string where /proc does not say."""
    try:
        lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return ""
    real = str(folder.resolve())
    found = [(len(at), kind) for _, at, kind, *_ in lines if real == at or real.startswith(at.rstrip("/") + "/")]
    return max(found, default=(0, ""))[1]


def _user(uid: int | None = None) -> str:
    found = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(found).pw_name
    except KeyError:
        return str(found)
