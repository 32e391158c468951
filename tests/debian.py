"""A fresh Debian in a folder, made by debootstrap, in which a test types commands as root.

    debian = Debian(folder); debian.make(); code, printed = debian.run("apt-get update")

It has its own files and processes, and this machine's network.
"""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

from tests.programs import ProgramMissing

ROOT = Path(__file__).parent.parent
SUITE = "bookworm"
# Of the clone, which a stranger would not have.
FORGOTTEN = (".venv", ".git", "node_modules", "build", "data", "__pycache__")
# Typed where a command asks for a password.
PASSWORD = "chalk-and-sponge"
RUN_SECONDS = 900
STOP_SECONDS = 10


class Debian:
    """A Debian in a folder; `clone` is a copy of the project in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clone = folder / "src"

    def make(self, packages: str = "ca-certificates") -> None:
        """Make it, with these packages; takes two minutes."""
        if os.geteuid() != 0 or shutil.which("debootstrap") is None:
            raise ProgramMissing("debootstrap, as root", "debootstrap")
        self.folder.chmod(0o755)  # it becomes a root folder, which everybody enters
        made = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(self.folder)]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        for file in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
            shutil.copy(f"/{file}", self.folder / file)
        shutil.copytree(ROOT, self.clone, ignore=shutil.ignore_patterns(*FORGOTTEN), symlinks=True)

    def run(self, script: str) -> tuple[int, str]:
        """Run commands of a shell at a terminal; return their exit code and output. Their processes end with them."""
        (self.folder / "script.sh").write_text(f"set -eux\numask 022\ncd /src\n{script}")
        apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount", f"--root={self.folder}", "--mount-proc"]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["setsid", "--ctty", *apart, "sh", "/script.sh"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=_ENVIRONMENT,
        )
        os.close(theirs)
        try:
            printed = _read_all(ours)
            return process.wait(STOP_SECONDS), printed
        finally:
            process.kill()
            process.wait()


_ENVIRONMENT = {each: value for each, value in os.environ.items() if each in ("PIP_CERT", "PIP_DEFAULT_TIMEOUT")} | {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "TERM": "dumb",
}


def _read_all(terminal: int) -> str:
    """Return what is printed until nobody has the terminal open any more; type the password where it is asked for."""
    text, deadline = b"", time.monotonic() + RUN_SECONDS
    while select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            some = os.read(terminal, 65_536)
        except OSError:  # so a terminal says it
            break
        text += some
        if some.endswith((b"Password: ", b"confirmation: ")):
            os.write(terminal, f"{PASSWORD}\n".encode())
    os.close(terminal)
    return text.decode(errors="replace")
