"""What workers send each other, decoded: they may be of different versions while they are replaced."""

import logging
from typing import TypeVar

import msgspec

log = logging.getLogger(__name__)

T = TypeVar("T")


def decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T | None:
    """Return another worker's message; None for one that this version does not know, which is dropped."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        log.debug("A worker of another version sent a message that is not known here: %s", error)
        return None
