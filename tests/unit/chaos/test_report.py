"""What is said of runs."""

from __future__ import annotations

from tests.chaos.crowd import _result, said
from tests.chaos.recorded import Violation
from tests.chaos.report import Result, line, summary
from tests.chaos.schedule import Fault, draw

BROKEN = Result(8, 12.4, (Violation("jobs end once", "aaaaaa", "it ended 2 times"),))
RIGHT = Result(9, 8.0, ())


def test_a_seed_has_a_line_and_one_for_each_violation() -> None:
    assert line(RIGHT) == "seed 9: ok, 8 s"
    assert line(BROKEN) == (
        "seed 8: 1 violations, 12 s\n    jobs end once, aaaaaa: it ended 2 times"
    )


def test_the_summary_counts_faults_and_names_the_seeds_of_each_rule() -> None:
    drawn = [draw(8).drawn, draw(9).drawn]
    text = summary([BROKEN, RIGHT], drawn)

    for fault in Fault:
        count = sum(each[fault.value] for each in drawn)
        assert f"    {count:5}  {fault.value}\n" in text
    assert text.endswith("1 seeds failed.\n    jobs end once: seeds 8")


def test_the_summary_says_so_if_everything_held() -> None:
    assert summary([RIGHT], []).endswith("Every invariant held.")


def test_a_worker_passes_a_result_on_as_it_is() -> None:
    assert _result(said(BROKEN)) == BROKEN
