"""Which progress edit is sent next: only the newest state, fairly, never after a verdict."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.text.message import Message, Metadata
from bot.runtime.token_buckets import TokenBuckets
from bot.slack.edits import EDITS, RESERVE
from bot.slack.pacing import LONGEST_PAUSE, Pacing

A = ("C1", "1.0")
B = ("C1", "2.0")
SLACK_ALLOWS = 50


def state(number: int) -> Message:
    return Message(f"state {number}")


def test_only_the_newest_state_is_sent():
    pacing = Pacing()
    for number in range(5):
        pacing.show(A, state(number))

    assert pacing.begin(A, now=0.0) == state(4)
    assert pacing.begin(A, now=0.0) is None


def test_a_state_that_is_already_shown_is_not_sent_again():
    pacing = Pacing()
    pacing.posted(A, state(1))

    assert not pacing.show(A, state(1))
    assert pacing.turn(0.0) is None


def test_returning_to_the_shown_state_cancels_the_request():
    pacing = Pacing()
    pacing.posted(A, state(1))
    pacing.show(A, state(2))
    pacing.show(A, state(1))

    assert pacing.turn(0.0) is None


def test_a_message_is_edited_at_most_once_a_second():
    pacing = Pacing(interval=1.0)
    pacing.show(A, state(1))
    pacing.begin(A, now=10.0)
    pacing.sent(A, state(1))
    pacing.show(A, state(2))

    assert pacing.turn(10.25) == (A, 0.75)
    assert pacing.turn(11.5) == (A, 0.0)


def test_one_edit_of_a_message_at_a_time():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.show(A, state(2))

    assert pacing.turn(100.0) is None
    assert pacing.begin(A, now=100.0) is None
    pacing.sent(A, state(1))
    assert pacing.turn(100.0) == (A, 0.0)


def test_a_state_that_returns_while_another_is_sent_is_sent_again():
    pacing = Pacing()
    pacing.posted(A, state(1))
    pacing.show(A, state(2))
    pacing.begin(A, now=0.0)
    pacing.show(A, state(1))
    pacing.sent(A, state(2))

    assert pacing.begin(A, now=1.0) == state(1)


def test_the_message_that_waited_longest_goes_first():
    pacing = Pacing()
    for key, now in ((A, 0.0), (B, 5.0)):
        pacing.show(key, state(1))
        pacing.begin(key, now)
        pacing.sent(key, state(1))
    pacing.show(B, state(2))
    pacing.show(A, state(2))

    assert pacing.turn(10.0) == (A, 0.0)


def test_every_second_edit_is_for_jobs_during_a_flood_of_alerts():
    """Otherwise fifty counting alerts would block a job's message for minutes."""
    pacing = Pacing()
    alerts = [("C1", f"{number}.0") for number in range(10, 60)]
    edits = []
    for now in range(20):
        for key in alerts:
            pacing.show(key, about("swarm_incident", now))
        pacing.show(A, about("swarm_job", now))
        turn = pacing.turn(float(now))
        assert turn is not None
        edits.append(turn.key)
        sent = pacing.begin(turn.key, float(now))
        assert sent is not None
        pacing.sent(turn.key, sent)

    assert edits.count(A) == 10
    assert len(set(edits)) == 11


def test_an_idle_kind_does_not_delay_others():
    pacing = Pacing(interval=1.0)
    pacing.show(A, about("swarm_job", 1))
    pacing.begin(A, 0.0)
    pacing.sent(A, about("swarm_job", 1))
    pacing.show(A, about("swarm_job", 2))
    pacing.show(B, about("swarm_incident", 1))

    assert pacing.turn(0.5) == (B, 0.0)


def about(event: str, number: int) -> Message:
    return Message(f"state {number}", metadata=Metadata(event, {}))


def test_a_settled_message_gets_no_progress():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.settle(A)

    assert pacing.turn(0.0) is None
    assert not pacing.show(A, state(2))
    assert pacing.begin(A, now=0.0) is None


def test_failed_progress_is_dropped_once_there_is_a_verdict():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.settle(A)
    pacing.failed(A, state(1), now=1.0)

    assert pacing.turn(100.0) is None


def test_a_failed_state_is_retried_with_growing_delays():
    pacing = Pacing()
    pacing.show(A, state(1))
    pauses = []
    now = 0.0
    for _ in range(8):
        pacing.begin(A, now)
        pacing.failed(A, state(1), now)
        turn = pacing.turn(now)
        assert turn is not None
        pauses.append(turn.wait)
        now += turn.wait

    assert pauses == sorted(pauses)
    assert pauses[0] >= 1.0
    assert pauses[-1] == LONGEST_PAUSE
    assert pacing.begin(A, now) == state(1)


def test_a_newer_state_replaces_one_that_failed():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.show(A, state(2))
    pacing.failed(A, state(1), now=0.0)

    assert pacing.begin(A, now=10.0) == state(2)


def test_a_failure_waits_for_retry_after():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.failed(A, state(1), now=0.0, at_least=17.0)

    assert pacing.turn(0.0) == (A, 17.0)


def test_a_deleted_message_gets_no_more_edits():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.gone(A)

    assert not pacing.show(A, state(2))


def test_idle_messages_are_forgotten_first():
    pacing = Pacing(kept=3)
    pacing.show(A, state(1))
    for number in range(50):
        pacing.posted(("C1", f"9.{number}"), state(number))

    assert pacing.turn(0.0) == (A, 0.0)
    assert len(pacing._tracks) <= 4


@given(st.lists(st.tuples(st.sampled_from(["show", "begin", "end", "fail", "settle"]),
                          st.sampled_from([A, B]), st.integers(0, 3)), max_size=60))  # fmt: skip
def test_no_edit_begins_after_settling(steps):
    """In any order of events, a settled message gets no further progress."""
    pacing = Pacing()
    settled, under_way, now = set(), {}, 0.0
    for what, key, number in steps:
        now += 1.0
        if what == "show":
            pacing.show(key, state(number))
        elif what == "settle":
            pacing.settle(key)
            settled.add(key)
        elif what == "begin":
            begun = pacing.begin(key, now)
            assert begun is None or (key not in settled and key not in under_way)
            if begun is not None:
                under_way[key] = begun
        elif key in under_way and what == "end":
            pacing.sent(key, under_way.pop(key))
        elif key in under_way:
            pacing.failed(key, under_way.pop(key), now)


class Minute:
    """Fifty jobs that show a new state every second, on the messenger's own budget."""

    def __init__(self, jobs: int) -> None:
        self.pacing = Pacing()
        self.keys = [("C1", f"{number}.0") for number in range(jobs)]
        self.now = 0.0
        self.buckets = TokenBuckets(lambda: self.now)
        self.edits: list[tuple[float, tuple[str, str]]] = []

    def tick(self, now: float, number: int) -> None:
        for key in self.keys:
            self.pacing.show(key, state(number))
        while (turn := self.pacing.turn(now)) and not turn.wait and self._take(now):
            message = self.pacing.begin(turn.key, now)
            assert message is not None
            self.pacing.sent(turn.key, message)
            self.edits.append((now, turn.key))

    def _take(self, now: float) -> bool:
        self.now = now
        return not self.buckets.take("edits", EDITS.per_minute, EDITS.burst, RESERVE)

    def run(self, seconds: int) -> None:
        for number in range(seconds * 4):
            self.tick(number / 4, number)

    def most_in_a_minute(self) -> int:
        times = [at for at, _ in self.edits]
        return max(sum(start <= at < start + 60 for at in times) for start in times)


def test_fifty_jobs_share_the_budget_fairly_and_never_exceed_it():
    minute = Minute(jobs=50)
    minute.run(600)

    assert minute.most_in_a_minute() <= SLACK_ALLOWS - RESERVE
    counts = [sum(key == each for _, each in minute.edits) for key in minute.keys]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) >= 9 * EDITS.per_minute


def test_one_job_is_shown_about_every_second_while_the_burst_lasts():
    minute = Minute(jobs=1)
    minute.run(15)

    assert len(minute.edits) >= 15


def test_one_long_job_is_still_shown_every_two_seconds():
    minute = Minute(jobs=1)
    minute.run(300)
    times = [at for at, _ in minute.edits]

    assert max(b - a for a, b in pairwise(times)) <= 2.25


def test_a_forgotten_state_is_not_sent_but_a_later_request_is():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.forget(A)
    assert pacing.turn(0.0) is None

    pacing.show(A, state(2))
    assert pacing.begin(A, now=0.0) == state(2)


def test_a_forgotten_edit_that_fails_is_not_retried():
    pacing = Pacing()
    pacing.show(A, state(1))
    pacing.begin(A, now=0.0)
    pacing.forget(A)
    pacing.failed(A, state(1), now=1.0)

    assert pacing.turn(100.0) is None
