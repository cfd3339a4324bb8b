"""Each invariant of commands, jobs and messages finds its violation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.jobs.verdict import Outcome, Verdict
from playground.slack import Content, Message
from playground.slack.model import Edit
from tests.chaos.recorded import Asked
from tests.chaos.schedule import Action
from tests.unit.chaos.runs import (
    ANN,
    AT,
    BOB,
    CHANNEL,
    DIRECT,
    a_run,
    alert,
    broken,
    content,
    incident,
    mention,
    message,
    posted,
    queued,
    running,
    scaled,
    whisper,
)

JOB = scaled()
ALERT = alert(incident())
DONE = (message(JOB), mention(JOB), ALERT)


def test_nothing_is_found_where_everything_is_right() -> None:
    assert broken(a_run()) == []


def asked(**more: Any) -> tuple[Asked, ...]:
    """The run's command, and another one by Bob."""
    other = {"number": 2, "what": Action.SCALE, "user": BOB, "text": "scale web=4", "key": "other"}
    return (*a_run().asked, Asked(**{**other, **more}))


LOST = [("every command ends", "2: scale web=4 of U2")]


def test_an_acknowledged_command_is_kept_or_answered() -> None:
    assert broken(a_run(asked=asked())) == LOST
    assert broken(a_run(asked=asked(), whispers=(whisper(BOB),))) == []
    assert broken(a_run(asked=asked(error="operation_timeout"))) == []


def test_an_accepted_command_has_a_job_or_an_answer() -> None:
    accepted = {"key": JOB.id, "other": "bbbbbb"}
    unbegun = message(scaled("bbbbbb", user=BOB), ts="12.1")

    assert broken(a_run(asked=asked(), accepted=accepted)) == LOST
    assert broken(a_run(asked=asked(error="operation_timeout"), accepted=accepted)) == []
    assert broken(a_run(asked=asked(), accepted=accepted, messages=(*DONE, unbegun))) == []


def test_a_person_may_be_told_directly() -> None:
    told = Message("13.1", DIRECT, "B", [Edit(AT, Content("no"))])
    run = a_run(asked=asked(), messages=(*DONE, told), direct={DIRECT: BOB})

    assert broken(run) == []


def test_a_confirmation_has_an_effect_or_an_answer() -> None:
    press = {"what": Action.DEPLOY, "text": "job.confirm", "about": JOB.id}
    accepted = {"key": JOB.id, "other": "bbbbbb"}
    confirmed = replace(JOB, confirmed_by=BOB)
    run = a_run(asked=asked(**press), accepted=accepted)

    assert broken(run) == [("every command ends", "2: job.confirm on aaaaaa of U2")]
    by_them = replace(
        run, jobs={JOB.id: confirmed}, messages=(message(confirmed), mention(JOB), ALERT)
    )
    assert broken(by_them) == []


def test_a_cancellation_has_an_effect_or_an_answer() -> None:
    press = {"what": Action.CANCEL, "text": "job.cancel", "about": JOB.id}
    run = a_run(asked=asked(**press))
    cancelled = replace(JOB, cancelled_by=BOB)

    assert broken(run) == [("every command ends", "2: job.cancel on aaaaaa of U2")]
    by_them = replace(
        run, jobs={JOB.id: cancelled}, messages=(message(cancelled), mention(JOB), ALERT)
    )
    assert broken(by_them) == []


@pytest.mark.parametrize("times", [0, 2])
def test_a_job_ends_once(times: int) -> None:
    assert broken(a_run(ends={JOB.id: times})) == [("jobs end once", JOB.id)]


def test_a_job_ends() -> None:
    run = a_run(jobs={JOB.id: running(JOB)})

    assert ("jobs end once", JOB.id) in broken(run)


def test_a_message_shows_its_record() -> None:
    stale = (message(running(JOB)), mention(JOB), ALERT)
    found = broken(a_run(messages=stale))

    assert found == [("messages show their records", JOB.id)]


def test_a_message_that_still_says_that_it_is_watched_is_stale() -> None:
    outcome = Outcome(Verdict.CONVERGED, "All is well.", provisional=True, running=3, desired=3)
    watched = replace(JOB, outcomes=(outcome,), watched_until=None)
    found = broken(a_run(messages=(message(watched), mention(JOB), ALERT)))

    assert found == [("messages show their records", JOB.id)]


def test_a_deleted_message_is_posted_again() -> None:
    gone = message(running(JOB), deleted_at=AT)
    again = posted(JOB, ts="14.1")

    found = [("messages show their records", JOB.id)]
    assert broken(a_run(messages=(gone, ALERT))) == found
    assert broken(a_run(messages=(gone, again, ALERT))) == []


def test_a_message_that_is_posted_again_has_to_have_the_verdict_only() -> None:
    outcome = Outcome(Verdict.CONVERGED, "All is well.", provisional=True, running=3, desired=3)
    watched = replace(JOB, outcomes=(outcome,), watched_until=None)
    gone = message(running(JOB), deleted_at=AT)

    assert broken(a_run(messages=(gone, posted(watched, ts="14.1"), ALERT))) == []


def test_a_message_that_can_no_longer_be_edited_has_to_have_the_verdict_only() -> None:
    outcome = Outcome(Verdict.CONVERGED, "All is well.", provisional=True, running=2, desired=3)
    watched = replace(JOB, outcomes=(outcome,), watched_until=None)
    run = a_run(messages=(message(watched), mention(JOB), ALERT))

    assert broken(run) == [("messages show their records", JOB.id)]
    assert broken(replace(run, archived=frozenset({CHANNEL}))) == []


def test_a_person_is_not_mentioned_directly_as_well() -> None:
    direct = replace(mention(JOB, "18.1"), channel=DIRECT, thread_ts=None)

    assert broken(a_run(messages=(*DONE, direct))) == [("nobody is mentioned twice", JOB.id)]


def test_the_person_hears_of_a_job_in_an_archived_channel() -> None:
    stale = message(running(JOB))
    direct = posted(JOB, ts="14.1", channel=DIRECT)
    run = a_run(messages=(stale, ALERT), archived=frozenset({CHANNEL}))

    assert broken(run) == [("messages show their records", JOB.id)]
    told = replace(run, messages=(stale, direct, ALERT), direct={DIRECT: ANN})
    assert broken(told) == []


def test_a_job_has_one_message() -> None:
    twice = message(JOB, ts="15.1")
    found = broken(a_run(messages=(*DONE, twice)))

    assert found == [("one message for a job", JOB.id)]


def test_a_queued_message_without_a_job_is_found() -> None:
    lone = message(queued(scaled("bbbbbb", user=BOB)), ts="16.1")
    found = broken(a_run(messages=(*DONE, lone)))

    assert found == [("no message without a job", "bbbbbb")]


def test_a_message_never_goes_back() -> None:
    back = message(JOB, queued(JOB), JOB, running(JOB))

    assert broken(a_run(messages=(back, mention(JOB), ALERT))) == [("verdicts stay", JOB.id)]


def test_only_a_job_that_redis_forgot_is_queued_once_more() -> None:
    again = message(JOB, queued(JOB), running(JOB), queued(JOB), running(JOB), JOB)
    back = message(JOB, queued(JOB), JOB, queued(JOB), JOB)

    for killed, told, found in (
        (True, again, []),
        (False, again, [("verdicts stay", JOB.id)]),
        (True, back, [("verdicts stay", JOB.id)]),
    ):
        run = a_run(messages=(told, mention(JOB), ALERT), redis_killed=killed)
        assert broken(run) == found


def test_a_person_is_mentioned_once_and_of_a_revised_verdict_once_more() -> None:
    twice = (*DONE, mention(JOB, "17.1"))
    revised = replace(JOB, revised=True)

    assert broken(a_run(messages=twice)) == [("nobody is mentioned twice", JOB.id)]
    right = (message(revised), *twice[1:])
    assert broken(a_run(jobs={JOB.id: revised}, messages=right)) == []


def test_a_message_that_is_posted_again_mentions_as_well() -> None:
    again = posted(JOB, ts="18.1")
    gone = message(JOB, deleted_at=AT)
    found = broken(a_run(messages=(gone, mention(JOB), again, ALERT)))

    assert found == [("nobody is mentioned twice", JOB.id)]


def test_the_verdict_is_told() -> None:
    assert broken(a_run(messages=(message(JOB), ALERT))) == [("the verdict is told", JOB.id)]


def test_contents_are_compared_without_the_ids_of_blocks() -> None:
    said = content(JOB)
    blocks = tuple({"block_id": f"b{n}", **block} for n, block in enumerate(said.blocks))
    shown, shorter = message(JOB), message(JOB)
    shown.history.append(Edit(AT, replace(said, blocks=blocks)))
    shorter.history.append(Edit(AT, replace(said, blocks=blocks[:-1])))

    assert broken(a_run(messages=(shown, mention(JOB), ALERT))) == []
    assert broken(a_run(messages=(shorter, mention(JOB), ALERT))) == [
        ("messages show their records", JOB.id)
    ]
