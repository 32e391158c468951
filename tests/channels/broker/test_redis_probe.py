"""Decides by ticks whether a pair of connections is alive."""

from channels.broker.redis_probe import DOUBT_TICKS, MISSED_TICKS, SILENT_TICKS, RedisProbe


def alive() -> RedisProbe:
    probe = RedisProbe()
    assert probe.returned(probe.next())
    return probe


def test_pair_is_alive_after_its_first_returned_probe() -> None:
    probe = RedisProbe()
    alive = [probe.alive]
    news = []
    for _ in range(2):
        news.append(probe.returned(probe.next()))
        alive.append(probe.alive)
    assert (alive, news) == ([False, True, True], [True, False])


def test_probe_of_the_previous_pair_is_ignored() -> None:
    probe = alive()
    old = probe.next()
    probe.restart()
    assert not probe.returned(old)
    assert probe.returned(probe.next())


def test_silence_first_raises_doubt_then_replaces_the_pair() -> None:
    probe = alive()
    reasons = []
    for tick in range(1, SILENT_TICKS + 2):
        reasons.append(probe.tick(is_silent=True))
        assert probe.doubted == (tick > DOUBT_TICKS)
        assert probe.alive
    assert reasons == [None] * SILENT_TICKS + ["what is published does not come back"]


def test_pair_that_loses_only_probes_is_replaced_later() -> None:
    probe = alive()
    reasons = [probe.tick(is_silent=False) for _ in range(MISSED_TICKS + 1)]
    assert reasons[:-1] == [None] * MISSED_TICKS
    assert reasons[-1] is not None


def test_refused_probe_marks_the_pair_dead_without_replacing_it() -> None:
    probe = alive()
    for _ in range(2 * MISSED_TICKS):
        assert probe.tick(is_silent=True) is None
        probe.refused()
    assert probe.returned(probe.next())  # only now alive again
