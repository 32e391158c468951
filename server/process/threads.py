"""How a worker's threads share the interpreter.

The journal's thread needs the interpreter back after each statement that SQLite has run, six times for a commit. While
the event loop is busy, Python lets the thread have it only after the switch interval: 5 ms by default, so that a commit
took 68 ms (p99) beside a busy loop. With this interval it takes 12 ms; the loop loses the few µs that the thread needs.
"""

import sys

SWITCH_SECONDS = 0.0005


def settle() -> None:
    """Let waiting threads run soon."""
    sys.setswitchinterval(SWITCH_SECONDS)
