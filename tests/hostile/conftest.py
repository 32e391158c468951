"""Servers under attack: one for each module, with a user who should notice nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lousa import Lousa


@pytest.fixture(scope="module")
def target(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lousa]:
    """Run a server with the demo school and its usual bounds."""
    data_dir = tmp_path_factory.mktemp("hostile") / "data"
    shutil.copytree(demo_school, data_dir)
    with Lousa(data_dir) as lousa:
        yield lousa


@pytest.fixture(scope="module")
def tokens(target: Lousa) -> dict[str, str]:
    """Return a token for each login."""
    return target.tokens("ana", "bruno", "paula")
