"""Each invariant of the swarm, of incidents and of Redis finds its violation."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bot.domain.incidents.model import IncidentState
from bot.domain.jobs.model import Job, Target
from tests.chaos.recorded import Failure, Recorded, Update
from tests.unit.chaos.runs import (
    AT,
    NOISY,
    SERVICE,
    a_run,
    alert,
    broken,
    incident,
    mention,
    message,
    scaled,
    spec,
)

FIRST, LAST = scaled("aaaaaa", 5), scaled("bbbbbb", 3)
NODE = "node:machine-03"


def two_scales(**changed: Any) -> Recorded:
    """A scale to 5, then one to 3."""
    updates = (Update(AT, SERVICE, spec(2), spec(5)), Update(AT, SERVICE, spec(5), spec(3)))
    jobs = {FIRST.id: FIRST, LAST.id: LAST}
    run = a_run(jobs=jobs, order=tuple(jobs), updates=updates)
    return replace(run, **changed)


def rules(run: Recorded) -> set[str]:
    """The swarm's rules that are violated."""
    of_swarm = {"objects are as wanted", "updates are those of jobs"}
    return {rule for rule, _subject in broken(run)} & of_swarm


def node_job(job_id: str, action: str) -> Job:
    """A finished job of a node."""
    target = Target(NODE, "n3", 0, applied=AT, changed=True, update_before=0.0)
    return replace(scaled(job_id), action=action, targets=(target,))


def test_a_service_is_as_the_last_job_wanted_it() -> None:
    wrong = two_scales(services={SERVICE: spec(5)})

    assert rules(two_scales()) == set()
    assert ("objects are as wanted", SERVICE) in broken(wrong)


def test_a_job_that_changed_nothing_wants_nothing() -> None:
    target = replace(LAST.targets[0], applied=None, changed=False, update_before=None)
    refused = replace(LAST, targets=(target,))
    run = two_scales(
        jobs={FIRST.id: FIRST, LAST.id: refused},
        services={SERVICE: spec(5)},
        updates=(Update(AT, SERVICE, spec(2), spec(5)),),
    )

    assert rules(run) == set()


def test_a_change_of_which_nobody_knows_may_have_been_made_or_not() -> None:
    target = replace(LAST.targets[0], applied=None, changed=False)
    unknown = replace(LAST, targets=(target,))
    run = two_scales(jobs={FIRST.id: FIRST, LAST.id: unknown})
    once = replace(run, services={SERVICE: spec(5)}, updates=run.updates[:1])

    assert rules(run) == set()
    assert rules(once) == set()
    assert "objects are as wanted" in rules(replace(once, services={SERVICE: spec(4)}))


def test_a_node_is_as_the_last_job_wanted_it() -> None:
    jobs = {"cccccc": node_job("cccccc", "drain"), "dddddd": node_job("dddddd", "activate")}
    writes = [{"Availability": each} for each in ("active", "drain", "active", "drain")]
    updates = tuple(Update(AT, NODE, before, after) for before, after in pairwise(writes))
    right = a_run(jobs=jobs, order=tuple(jobs), updates=updates[:2], services={})
    wrong = replace(right, nodes={NODE: "drain"}, updates=updates)

    assert rules(right) == set()
    assert rules(wrong) == {"objects are as wanted", "updates are those of jobs"}


@pytest.mark.parametrize(
    "updates",
    [(), (Update(AT, SERVICE, spec(2), spec(3)), Update(AT, SERVICE, spec(3), spec(3)))],
    ids=["none", "two"],
)
def test_a_service_gets_the_writes_of_its_jobs(updates: tuple[Update, ...]) -> None:
    assert broken(a_run(updates=updates)) == [("updates are those of jobs", SERVICE)]


def test_a_write_without_a_job_is_found() -> None:
    updates = (*a_run().updates, Update(AT, "orochi_api", {}, spec(1)))

    assert broken(a_run(updates=updates)) == [("updates are those of jobs", "orochi_api")]


def test_a_restarted_service_has_the_template_of_its_restart() -> None:
    target = replace(scaled().targets[0], template="0123456789abcdef")
    job = replace(scaled(), action="restart", targets=(target,))
    run = a_run(jobs={job.id: job}, messages=(message(job), mention(job), alert(incident())))

    assert broken(run) == [("objects are as wanted", SERVICE)]


RULE = "each failure is told once"


def test_a_failure_that_is_not_counted_is_found() -> None:
    failures = (*a_run().failures, Failure(AT, "t2", NOISY, 1))

    assert broken(a_run(failures=failures)) == [(RULE, NOISY)]


def test_a_failure_that_is_counted_twice_is_found() -> None:
    twice = incident(count=2)
    messages = (*a_run().messages[:2], alert(twice))

    assert broken(a_run(incidents=(twice,), messages=messages)) == [(RULE, NOISY)]


def test_an_incident_that_nobody_was_told_of_is_found() -> None:
    assert broken(a_run(messages=a_run().messages[:2])) == [(RULE, "iiiiii")]


def test_an_incident_with_two_messages_is_found() -> None:
    again = alert(incident(), "21.1")

    assert broken(a_run(messages=(*a_run().messages, again))) == [(RULE, "iiiiii")]
    deleted = replace(again, deleted_at=AT)
    assert broken(a_run(messages=(*a_run().messages, deleted))) == []


def test_an_alert_that_does_not_show_its_record_is_found() -> None:
    stale = alert(incident(state=IncidentState.FIRING))
    found = broken(a_run(messages=(*a_run().messages[:2], stale)))

    assert found == [("alerts show their records", "iiiiii")]


def test_a_message_of_an_unknown_incident_is_found() -> None:
    stranger = alert(incident(id="jjjjjj"), "22.1")

    assert broken(a_run(messages=(*a_run().messages, stranger))) == [(RULE, "jjjjjj")]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"unsettled": ("1 jobs",)}, ("everything settles", "jobs")),
        ({"lasting": {"orochi:job:aaaaaa": 3}}, ("no key without an end", "orochi:job:aaaaaa")),
        ({"lasting": {"orochi:lane:web": 1}}, ("no key without an end", "orochi:lane:web")),
        ({"exits": (0, 1)}, ("bots stop when asked", "SIGTERM")),
        ({"names": ("bot-1", "bot-2")}, ("stopped bots are forgotten", "the queue")),
    ],
)
def test_what_is_left_is_found(changed: dict[str, Any], found: tuple[str, str]) -> None:
    assert broken(a_run(**changed)) == [found]
