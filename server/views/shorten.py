"""Shortens the names inside joined scripts, which makes them a seventh smaller after compression.

The library is written in Go, whose runtime does not survive a fork, and a server forks its workers. So it runs in a
process of its own, once when a server starts: 0.2 s. Where it is not installed the scripts stay as they are.
"""

import json
import subprocess
import sys
from collections.abc import Mapping

# Longer than the slowest machine takes for all scripts.
PATIENCE_SECONDS = 60


def shorten(scripts: Mapping[str, str]) -> dict[str, str]:
    """Return these scripts with short names inside their functions; what they export and import stays as it is."""
    command = [sys.executable, "-P", __file__]
    done = subprocess.run(
        command, input=json.dumps(scripts), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )
    shortened: dict[str, str] = json.loads(done.stdout)
    return shortened


def _main() -> None:
    scripts: dict[str, str] = json.load(sys.stdin)
    try:
        import minify  # noqa: PLC0415
    except ImportError:
        found = scripts
    else:
        found = {path: minify.string("text/javascript", text) for path, text in scripts.items()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main()
