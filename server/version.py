"""The version of this Lousa, as pyproject.toml has it."""

import tomllib
from pathlib import Path


def _read() -> str:
    try:
        text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    except OSError:  # an image that has only what runs
        return ""
    return str(tomllib.loads(text)["project"]["version"])


VERSION = _read()
