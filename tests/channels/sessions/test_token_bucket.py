"""The token bucket, with a clock passed in."""

import pytest

from channels.sessions.token_bucket import TokenBucket


def test_bucket_allows_its_burst_then_its_rate() -> None:
    bucket = TokenBucket(10.0, 30.0, 0.0)
    assert [bucket.take(0.0) for _ in range(30)] == [0.0] * 30
    assert bucket.take(0.0) == pytest.approx(0.1)
    assert bucket.take(0.1) == 0.0
    assert bucket.take(0.1) > 0
    assert not bucket.full(3.0)
    assert bucket.full(3.2)


def test_rate_of_zero_means_no_limit() -> None:
    bucket = TokenBucket(0, 1.0, 0.0)
    assert not any(bucket.take(0.0) for _ in range(1000))


def test_dear_things_cost_several_tokens() -> None:
    bucket = TokenBucket(10.0, 30.0, 0.0)
    assert bucket.take(0.0, 29.5) == 0.0
    assert bucket.take(0.0) == pytest.approx(0.05)
    assert bucket.take(0.0, 0.5) == 0.0
