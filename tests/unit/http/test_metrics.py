"""The feed's metrics."""

from __future__ import annotations

from bot.http.metrics import Metrics
from bot.ports import FeedStatus


def lags(metrics: Metrics) -> list[str]:
    lines = metrics.text().decode().splitlines()
    return [line for line in lines if line.startswith("orochi_feed_lag_seconds")]


def test_the_lag_is_from_the_feed_in_use() -> None:
    """The feed may change from push to polling and back; the feed not in use has no value."""
    now = FeedStatus("push", 0.5)
    metrics = Metrics()
    assert lags(metrics) == []
    metrics.follow(lambda: 0, lambda: now)
    assert lags(metrics) == ['orochi_feed_lag_seconds{kind="push"} 0.5']
    now = FeedStatus("poll", 2.0)
    assert lags(metrics) == ['orochi_feed_lag_seconds{kind="poll"} 2.0']
