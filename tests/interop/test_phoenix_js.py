"""npm `phoenix`, the stock client, unchanged, in Node: see phoenix_client.mjs."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.lousa import Lousa
from tests.programs import ProgramMissing, program

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent


def test_the_stock_javascript_client_chats_sees_who_is_here_and_comes_back(lousa: Lousa) -> None:
    if not (HERE / "node_modules" / "phoenix").is_dir():
        raise ProgramMissing("phoenix (npm)", "nodejs npm, then npm ci in tests/interop")
    tokens = lousa.tokens("ana", "bruno")
    environment = {
        **os.environ,
        "LOUSA_URL": lousa.url.replace("http", "ws"),
        "ANA": tokens["ana"],
        "BRUNO": tokens["bruno"],
    }
    done = subprocess.run(
        [program("node", "nodejs"), "phoenix_client.mjs"],
        cwd=HERE, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{lousa.log}"
