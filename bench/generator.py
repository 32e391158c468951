"""A load generator in its own process, because a process has a limit of open files and uses one core.

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

# The time that a load may take to finish its current call at the end.
END_SECONDS = 5.0

L = TypeVar("L")
P = ParamSpec("P")
R = TypeVar("R")


class Generator(Generic[L]):
    """A load in another process; it executes its calls one after another."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def call(self, method: Callable[Concatenate[L, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """Call a function of the load and return its result; its exception is raised here."""
        self.start(method, *arguments, **named)
        return cast(R, self.result())

    def start(self, method: Callable[Concatenate[L, P], Any], *arguments: P.args, **named: P.kwargs) -> None:
        """Start a call without waiting."""
        self._pipe.send((method.__name__, arguments, named))

    def result(self) -> Any:
        """Wait for the result of a started call."""
        done, result = self._pipe.recv()
        if not done:
            raise result
        return result


@contextmanager
def generator(
    cores: Collection[int], make: Callable[P, L], *arguments: P.args, **named: P.kwargs
) -> Iterator[Generator[L]]:
    """Make a load in its own process, bound to these cores."""
    with unready(cores, make, *arguments, **named) as load:
        load.result()
        yield load


@contextmanager
def unready(
    cores: Collection[int], make: Callable[P, L], *arguments: P.args, **named: P.kwargs
) -> Iterator[Generator[L]]:
    """Start making a load; its first `result` arrives when it is ready."""
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
        pass  # the parent has closed the pipe
    except Exception as error:
        pipe.send((False, error))
        raise
