"""Runs conversation.mjs with npm `phoenix` in Node."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.programs import ProgramMissing, program

HERE = Path(__file__).parent
PACKAGES = ["phoenix", "phoenix-1-8", "phoenix-1-7"]

Told = dict[str, Any]


def run(url: str, story: str, *, tokens: Sequence[str], package: str = "phoenix", **options: Any) -> Told:
    """Run a story with a package's client for the users of these tokens, and return its result."""
    if not all((HERE / "node_modules" / name).is_dir() for name in PACKAGES):
        raise ProgramMissing("phoenix (npm)", "nodejs npm, then npm ci in tests/interop")
    given = {"url": url.replace("http", "ws"), "story": story, "package": package, "tokens": list(tokens)}
    command = [program("node", "nodejs"), "phoenix_client.mjs", json.dumps(given | options)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    told: Told = json.loads(done.stdout)
    return told
