"""Growing delays between attempts."""

import pytest

from bot.runtime.backoff import Backoff, doubled


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0.5), (1, 1.0), (3, 4.0), (4, 5.0)])
def test_each_failure_doubles_the_delay_up_to_the_maximum(failures: int, seconds: float) -> None:
    assert doubled(0.5, failures, 5.0) == seconds


def test_a_million_failures_do_not_exceed_the_maximum_delay() -> None:
    assert doubled(0.5, 1_000_000, 5.0) == 5.0


def test_a_success_resets_the_delay() -> None:
    backoff = Backoff(1.0, 8.0)
    waits = [backoff.failed() for _ in range(3)]
    backoff.worked()
    waits.append(backoff.failed())

    near = [pytest.approx(seconds, rel=0.25) for seconds in (1.0, 2.0, 4.0, 1.0)]
    assert waits == near
