"""A rate limit by a clock that is turned."""

import pytest

from channels.sessions.token_bucket import TokenBucket


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(10.0, 30.0, 0.0)
    assert [bucket.take(0.0) for _ in range(30)] == [0.0] * 30
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.1) == 0.0
    assert bucket.take(0.1) > 0
    assert not bucket.full(3.0)
    assert bucket.full(3.2)


def test_a_rate_of_nought_is_no_limit() -> None:
    bucket = TokenBucket(0, 1.0, 0.0)
    assert not any(bucket.take(0.0) for _ in range(1000))
