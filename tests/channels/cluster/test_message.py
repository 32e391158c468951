"""Messages between workers of different versions."""

import msgspec
import pytest

from channels.cluster.message import decoded


class Known(msgspec.Struct, array_like=True, frozen=True, tag="known"):
    """A message of this version."""

    number: int


DECODER = msgspec.msgpack.Decoder(Known)


def test_message_of_this_version_is_decoded() -> None:
    assert decoded(DECODER, msgspec.msgpack.encode(Known(7))) == Known(7)


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", msgspec.msgpack.encode(["later", 7]), msgspec.msgpack.encode(["known"])]
)
def test_message_that_is_not_known_is_dropped(data: bytes) -> None:
    assert decoded(DECODER, data) is None
