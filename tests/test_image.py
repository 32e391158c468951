"""The steps of deploy/Containerfile, in a Debian in a folder: no container engine is needed for them.

What only an engine does is not tested: layers, the volume, and that the base image is what debootstrap makes.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.debian import SUITE, Debian
from tests.programs import free_port

ROOT = Path(__file__).parent.parent


class Step(NamedTuple):
    """An instruction, and what stands after it."""

    instruction: str
    text: str


def steps() -> list[Step]:
    """Return the instructions, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "deploy/Containerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [Step(*line.split(maxsplit=1)) for line in lines if line]


def one(instruction: str) -> str:
    """Return what stands after the only instruction of this name."""
    (step,) = [each for each in steps() if each.instruction == instruction]
    return step.text


def test_image_is_of_the_debian_that_the_test_makes() -> None:
    assert one("FROM") == f"docker.io/library/debian:{SUITE}-slim"


def test_context_leaves_out_what_a_clone_gathers() -> None:
    left = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "data", "**/node_modules"} <= set(left)


@pytest.mark.timeout(1_200)
@pytest.mark.long
def test_steps_of_the_image_make_a_server(tmp_path: Path) -> None:
    debian = Debian(tmp_path)
    debian.make()
    port = str(free_port())
    code, printed = debian.run(_script(port))
    assert code == 0, printed[-6_000:]
    assert "Lousa is open at" in printed
    assert (tmp_path / "var/lib/lousa/journal.sqlite3").exists()
    assert not (tmp_path / "src").exists()


def _script(port: str) -> str:
    """Return the steps as commands of a shell, which then start the server and ask for its health."""
    commands = ["mv /src /clone", "cd /"]
    user, folder = "root", "/"
    for instruction, text in steps():
        if instruction == "COPY":
            commands.append(f"cp -r /clone /src  # COPY {text}")
        elif instruction == "RUN":
            commands.append(text)
        elif instruction == "ENV":
            commands.append(f"export {text}")
        elif instruction == "USER":
            user = text
        elif instruction == "WORKDIR":
            folder = text
    # As the image's user, which has no other rights.
    as_user = f"/usr/sbin/runuser -u {user} --"
    served = [*json.loads(one("ENTRYPOINT")), *json.loads(one("CMD")), "--port", port]
    health = [word.replace("8888", port) for word in json.loads(one("HEALTHCHECK").removeprefix("CMD "))]
    return "\n".join(
        [
            *commands,
            f"cd {folder}",
            f"{as_user} {_quoted(served)} &",
            f"for each in $(seq 100); do {as_user} {_quoted(health)} && break; sleep 0.2; done",
            f"{as_user} {_quoted(health)}",
            f"{as_user} lousa user list",
        ]
    )


def _quoted(words: list[str]) -> str:
    return " ".join(f'"{word}"' for word in words)
