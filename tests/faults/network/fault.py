"""The kinds of network faults: each chooses the fate of a connection from a seed."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

# A web filter that inspects an open WebSocket kills it within these times.
KILLED_SECONDS = (0.1, 0.5)

# Cuts answers of a few KB anywhere and long ones in the middle; a handshake has some hundred bytes.
CUT_BYTES = (1, 30_000)


@dataclass(frozen=True, slots=True)
class Fate:
    """What the network does to one connection.

    `lose`: how likely each answer to an HTTP request is lost, after the server has sent it whole. `kill`: seconds until
    a WebSocket is reset. `swallow`: a WebSocket opens, and nothing passes any more. `delay`: seconds, at most, for
    which each piece is kept, in either direction. `cut_up`, `cut_down`: after so many bytes towards the server, or the
    client, the connection ends; by a reset, if `abruptly`.
    """

    lose: float = 0.0
    kill: float | None = None
    swallow: bool = False
    delay: float = 0.0
    cut_up: float = math.inf
    cut_down: float = math.inf
    abruptly: bool = False


CALM = Fate()

# The network is calm but workers die: a polling page has its session on one worker and sends requests to others.
KILLED_WORKERS = "killed-workers"

Choose = Callable[[random.Random, bool], Fate]


def _lose_answers(chance: random.Random, is_websocket: bool) -> Fate:
    return CALM if is_websocket else Fate(lose=0.3)


def _kill_websockets(chance: random.Random, is_websocket: bool) -> Fate:
    return Fate(kill=chance.uniform(*KILLED_SECONDS)) if is_websocket else CALM


def _swallow_frames(chance: random.Random, is_websocket: bool) -> Fate:
    return Fate(swallow=True) if is_websocket else CALM


def _delay(chance: random.Random, is_websocket: bool) -> Fate:
    return Fate(delay=chance.choice((0.0, 0.1, 0.3, 1.0)))


def _cut(chance: random.Random, is_websocket: bool) -> Fate:
    least, most = map(math.log, CUT_BYTES)
    after = math.exp(chance.uniform(least, most))
    abruptly = chance.random() < 0.5
    return Fate(cut_up=after, abruptly=abruptly) if chance.random() < 0.5 else Fate(cut_down=after, abruptly=abruptly)


def _any(chance: random.Random, is_websocket: bool) -> Fate:
    kinds = (_lose_answers, _kill_websockets, _swallow_frames, _delay, _cut)
    return chance.choice(kinds)(chance, is_websocket)


FAULTS: dict[str, Choose] = {
    "lost-answers": _lose_answers,
    "killed-websockets": _kill_websockets,
    "swallowed-frames": _swallow_frames,
    "delays": _delay,
    "cuts": _cut,
    "all-of-these": _any,
    KILLED_WORKERS: lambda chance, is_websocket: CALM,
}
