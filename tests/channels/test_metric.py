"""What a worker counts: distributions by bounds."""

from channels.metric import Distribution, Histogram, Kind, Metric, Sample


def test_observation_counts_at_the_first_bound_that_holds_it() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        histogram.observe(value)
    assert histogram.read() == Distribution((1.0, 2.0), [2, 1, 1], 10.0)


def test_what_was_read_stays_as_it_was() -> None:
    histogram = Histogram((1.0,))
    before = histogram.read()
    histogram.observe(0.5)
    assert before.counts == [0, 0]


def test_sample_has_a_number_whatever_was_counted() -> None:
    metric = Metric("up", Kind.GAUGE, "Whether it is up.", ("part",))
    assert metric.of(True, "disk") == Sample("up", 1.0, ("disk",))
