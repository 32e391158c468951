"""A Node program as a child process; both sides exchange lines of JSON."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.programs import ProgramMissing, program

Line = dict[str, Any]

HERE = Path(__file__).parent
MODULES = HERE.parent.parent / "interop" / "node_modules"

# The longest line is a join's reply: half a megabyte of messages.
MAX_LINE_BYTES = 4 * 1024 * 1024

_END_SECONDS = 5.0


class NodeProgram:
    """One run of a program beside this file; each line that it writes is given to `take`."""

    def __init__(self, name: str, environment: Mapping[str, str], take: Callable[[Line], None]) -> None:
        self._name = name
        self._environment = {**os.environ, **environment}
        self._take = take
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Run it until it ends; on cancellation ask it to end."""
        if not MODULES.is_dir():
            raise ProgramMissing("phoenix and ws (npm)", "nodejs npm, then npm ci in tests/interop")
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            program("node", "nodejs"), HERE / self._name,
            stdin=pipe, stdout=pipe, env=self._environment, limit=MAX_LINE_BYTES,
        )  # fmt: skip
        try:
            await self._read(self._process)
        finally:
            await self._end(self._process)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._take(json.loads(line))
        raise AssertionError(f"{self._name} ended by itself, with {await process.wait()}")

    @staticmethod
    async def _end(process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()

    def tell(self, **line: object) -> None:
        """Write a line to it; does nothing if it is not running."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(json.dumps(line).encode() + b"\n")
