"""The version of this Lousa, as pyproject.toml has it."""

import tomllib
from importlib import metadata
from pathlib import Path


def _read() -> str:
    try:
        text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    except OSError:  # installed as a package
        return metadata.version("lousa")
    return str(tomllib.loads(text)["project"]["version"])


VERSION = _read()
