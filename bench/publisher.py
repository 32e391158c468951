"""Simulates the other workers towards Redis: publishes messages like theirs at an even rate until killed.

    python -m bench.publisher SOCKET RATE TOGETHER

`TOGETHER` messages are sent in one write, as in a worker's pipeline. It prints a line when it starts.
"""

import itertools
import socket
import sys
import time
from collections.abc import Sequence

import msgspec

from channels.broker.broker import Envelope
from channels.broker.redis import Parcel

CLASSES = 100
PREFIX = "lousa:"
CHANNELS = [f"class:{number}" for number in range(CLASSES)]


def parcel() -> bytes:
    """Return one chat message as a worker publishes it to the others."""
    text = "A fotossíntese transforma luz em energia química."
    author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
    message = {"id": "b000000000001", "text": text, "author": author, "seq": 123456, "at": 1_790_000_000_000}
    envelope = Envelope("class:42", "message:sent", msgspec.json.encode(message), 123456)
    return msgspec.msgpack.encode(Parcel("0123456789abcdef", [envelope]))


def main(path: str, rate: float, together: int) -> None:
    """Publish, never faster than the rate."""
    data = parcel()
    commands = itertools.cycle(_publish(PREFIX + channel, data) for channel in CHANNELS)
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect(path)
        print("ready", flush=True)
        began, sent = time.perf_counter(), 0
        while True:
            redis.sendall(b"".join(itertools.islice(commands, together)))
            sent += together
            _take_answers(redis, together)
            time.sleep(max(0.0, began + sent / rate - time.perf_counter()))


def _publish(channel: str, data: bytes) -> bytes:
    words: Sequence[bytes] = (b"PUBLISH", channel.encode(), data)
    return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _take_answers(redis: socket.socket, count: int) -> None:
    # The number of receivers, as `:1` and the end of the line.
    while count > 0:
        count -= redis.recv(65536).count(b"\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
