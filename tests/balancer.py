"""A proxy that gives each connection to the next of several servers: `python -m tests.balancer PORT HOST:PORT…`."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.programs import free_port

_PIECE = 65_536


@contextmanager
def balancer(places: Sequence[str]) -> Iterator[int]:
    """Run one in a process of its own, and yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.balancer", str(port), *places]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the balancer did not start"
            yield port
        finally:
            process.kill()


async def serve(port: int, places: Sequence[str]) -> None:
    """Serve until killed."""
    turns = itertools.cycle(places)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, there = next(turns).rpartition(":")
        try:
            back, forth = await asyncio.open_connection(host, int(there))
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, forth), copy(back, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes from one connection to another one, and then close that."""
    with suppress(OSError):
        while data := await source.read(_PIECE):
            target.write(data)
            await target.drain()
    target.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2:]))
