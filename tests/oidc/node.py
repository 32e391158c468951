"""Runs provider.mjs, the strict provider, in Node."""

import json
import subprocess
from pathlib import Path
from typing import Self

from tests.programs import ProgramMissing, free_port, program

HERE = Path(__file__).parent


class StrictProvider:
    """The provider on a port of its own, for a Lousa at `address`; a restart has other keys."""

    def __init__(self, address: str, name: str) -> None:
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        begin = f"{address}/accounts/through/{name}"
        self._given = {"port": self.port, "callback": f"{begin}/back", "logout": f"{begin}/logout"}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and return when it listens."""
        if not (HERE / "node_modules" / "oidc-provider").is_dir():
            raise ProgramMissing("oidc-provider (npm)", "nodejs npm, then npm ci in tests/oidc")
        command = [program("node", "nodejs"), "provider.mjs", json.dumps(self._given)]
        # Its warnings about http and its views are of no interest here.
        self._process = subprocess.Popen(
            command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert any(line == "ready\n" for line in self._process.stdout), "the provider did not start"

    def stop(self) -> None:
        """End it; what it knew is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
