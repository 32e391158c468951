"""How fast each user may open connections."""

from channels.limit import HANDSHAKE_BURST, HANDSHAKE_RATE
from channels.transports.handshake_rates import HandshakeRates
from tests.channels.support import TurnedClock


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    clock = TurnedClock()
    rates = HandshakeRates(clock)
    assert [rates.seconds_until_handshake(1) for _ in range(int(HANDSHAKE_BURST))] == [0.0] * int(HANDSHAKE_BURST)
    assert rates.seconds_until_handshake(1) == 1 / HANDSHAKE_RATE
    clock.now += 1 / HANDSHAKE_RATE
    assert rates.seconds_until_handshake(1) == 0
    assert rates.seconds_until_handshake(1) > 0


def test_each_user_has_a_separate_rate() -> None:
    rates = HandshakeRates(TurnedClock(), burst=1)
    assert [rates.seconds_until_handshake(user_id) > 0 for user_id in (1, 2, 1, 2, 3)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_idle_user_is_removed() -> None:
    clock = TurnedClock()
    rates = HandshakeRates(clock)
    for user_id in range(1_000):
        rates.seconds_until_handshake(user_id)
    assert len(rates) == 1_000
    clock.now += HANDSHAKE_BURST / HANDSHAKE_RATE
    rates.seconds_until_handshake(1)
    assert len(rates) == 1
