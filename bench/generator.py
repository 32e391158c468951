"""A load generator as a process of its own: one process may have only so many files open, and has one core.

with generator(cores, Load.join, port, dialect, classes, senders) as load:
    run = load.call(Load.run, 5.0, 64)
"""

import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from bench.served import allow_many_files

# For what a load may be in the middle of when nobody wants it any more.
END_SECONDS = 5.0

L = TypeVar("L")
P = ParamSpec("P")
R = TypeVar("R")


class Generator(Generic[L]):
    """A load in another process: what it is asked to do, it does one thing after another."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def call(self, method: Callable[Concatenate[L, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """Let the load do something, and wait for what comes of it; what it raises is raised here."""
        self.start(method, *arguments, **named)
        return cast(R, self.result())

    def start(self, method: Callable[Concatenate[L, P], Any], *arguments: P.args, **named: P.kwargs) -> None:
        """Let the load do something meanwhile."""
        self._pipe.send((method.__name__, arguments, named))

    def result(self) -> Any:
        """Wait for what was started."""
        done, result = self._pipe.recv()
        if not done:
            raise result
        return result


@contextmanager
def generator(
    cores: Collection[int], make: Callable[P, L], *arguments: P.args, **named: P.kwargs
) -> Iterator[Generator[L]]:
    """Make a load in a process of its own, bound to these cores."""
    with unready(cores, make, *arguments, **named) as load:
        load.result()
        yield load


@contextmanager
def unready(
    cores: Collection[int], make: Callable[P, L], *arguments: P.args, **named: P.kwargs
) -> Iterator[Generator[L]]:
    """Begin to do so; its first `result` comes when it is made."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(theirs, cores, make, arguments, named), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Generator(ours)
    finally:
        ours.close()
        process.join(END_SECONDS)
        process.kill()


def _serve(pipe: Connection, cores: Collection[int], make: Callable[..., Any], arguments: Any, named: Any) -> None:
    allow_many_files()
    os.sched_setaffinity(0, cores)
    try:
        load = make(*arguments, **named)
        pipe.send((True, None))
        while True:
            name, arguments, named = pipe.recv()
            pipe.send((True, getattr(load, name)(*arguments, **named)))
    except EOFError:
        pass  # nobody wants more
    except Exception as error:
        pipe.send((False, error))
        raise
