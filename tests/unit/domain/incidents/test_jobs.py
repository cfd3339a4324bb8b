"""Which jobs an incident names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.incidents.jobs import name_jobs, with_jobs
from bot.domain.incidents.model import Incident, IncidentState, NamedJob, WatcherState
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind

BEGAN = 10_000.0
FIRING = Incident(
    "w4b7ke", "s|x", "shop_web", "s", Cause(CauseKind.EXIT_CODE, "Exit code 1"),
    IncidentState.FIRING, BEGAN, BEGAN + 60,
)  # fmt: skip
RESOLVED = replace(FIRING, state=IncidentState.RESOLVED, resolved=BEGAN + 300)


def a_job(
    job_id: str = "k3f9ab",
    action: str = "update",
    *,
    applied: float | None = BEGAN - 60,
    finished: float | None = BEGAN - 30,
    verdict: Verdict = Verdict.CONVERGED,
    **target: Any,
) -> Job:
    service = target.pop("service", "shop_web")
    changed = Target(service, "s", 1, applied=applied, changed=True, **target)
    other = Target("shop_db", "d", 1, applied=applied)
    job = Job(job_id, action, "shop", "", "U1", "C1", 0.0, (other, changed), message="1.5")
    if finished is None:
        return replace(job, state=JobState.RUNNING)
    job = job.with_outcome(0, Outcome(Verdict.CONVERGED, "")).with_outcome(1, Outcome(verdict, ""))
    return replace(job, state=JobState.FINISHED, finished=finished)


def began_after(*jobs: Job) -> str:
    before = with_jobs(FIRING, jobs).began_after
    return before.id if before else ""


def ended_after(*jobs: Job) -> str:
    ended = with_jobs(RESOLVED, jobs).ended_after
    return ended.id if ended else ""


def way_back(job: Job) -> int:
    before = with_jobs(FIRING, [job]).began_after
    assert before is not None
    return before.way_back


def test_an_update_shortly_before_is_named_with_its_message():
    assert with_jobs(FIRING, [a_job()]).began_after == NamedJob(
        "k3f9ab", "update", "U1", BEGAN - 60, "C1", "1.5"
    )


def test_an_incident_that_fires_again_names_the_update_before_that():
    again = replace(with_jobs(FIRING, [a_job("first")]), reopened=1, last=BEGAN + 400)
    later = a_job("second", applied=BEGAN + 390, finished=None)

    named = with_jobs(again, [a_job("first"), later]).began_after

    assert named is not None
    assert named.id == "second"


@pytest.mark.parametrize(
    "job",
    [
        a_job(applied=BEGAN - 700, finished=BEGAN - 601),
        a_job(applied=BEGAN + 10, finished=BEGAN + 20),
        a_job(applied=None),
        a_job(action="scale"),
        a_job(service="shop_cache"),
        replace(a_job(), targets=(Target("shop_web", "s", 1, applied=BEGAN - 60),)),
    ],
    ids=["too early", "after it", "not made", "no new version", "another service", "unchanged"],
)
def test_other_jobs_are_not_named(job):
    assert began_after(job) == ""


def test_the_newest_counts_and_one_that_still_runs_or_ended_lately():
    early = a_job("early2", applied=BEGAN - 300, finished=BEGAN - 250)
    assert began_after(early, a_job()) == "k3f9ab"
    assert began_after(a_job(applied=BEGAN - 3000, finished=None)) == "k3f9ab"
    assert began_after(a_job(applied=BEGAN - 3000, finished=BEGAN - 599)) == "k3f9ab"


def test_a_deploy_that_failed_brings_its_way_back():
    deploy = replace(a_job(action="deploy"), plan=Plan("shop", (), ()), way_back=6)
    assert way_back(deploy) == 0
    failed = deploy.with_outcome(1, Outcome(Verdict.CRASH_LOOPING, ""))
    assert way_back(failed) == 6


def test_a_resolved_incident_names_the_job_that_succeeded_in_between():
    back = a_job("b4ck22", "rollback", applied=BEGAN + 100, finished=BEGAN + 200)
    assert ended_after(back, a_job()) == "b4ck22"
    assert with_jobs(FIRING, [back]).ended_after is None
    assert ended_after(a_job("b4ck22", "rollback", applied=BEGAN + 100, finished=None)) == "b4ck22"
    for other in (
        replace(back, finished=BEGAN - 1),
        replace(back, finished=BEGAN + 303),
        back.with_outcome(1, Outcome(Verdict.FAILED, "")),
        a_job("cache2", "rollback", finished=BEGAN + 200, service="shop_cache"),
    ):
        assert ended_after(other) == ""


def test_of_two_jobs_the_one_after_which_nothing_failed_any_more_ended_it():
    failing = replace(RESOLVED, last=BEGAN + 150)
    useless = a_job("a2b3c4", "restart", applied=BEGAN + 90, finished=BEGAN + 140)
    back = a_job("b4ck22", "rollback", applied=BEGAN + 100, finished=BEGAN + 200)
    later = a_job("c4d5e6", "restart", applied=BEGAN + 210, finished=BEGAN + 250)

    ended = with_jobs(failing, [later, useless, back]).ended_after

    assert ended is not None
    assert ended.id == "b4ck22"


def test_the_job_it_began_after_did_not_end_it():
    assert ended_after(a_job(finished=BEGAN + 100)) == ""


def test_only_the_asked_incidents_of_the_state_change():
    node = replace(FIRING, id="n2", key="node:n1")
    state = WatcherState({"a": FIRING, "node:n1": node}, {"c": RESOLVED})
    named = name_jobs(state, {"w4b7ke", "n2"}, [a_job()])
    assert named.incidents["a"].began_after is not None
    assert named.incidents["node:n1"] == node
    assert named.recent["c"].began_after is not None
    assert name_jobs(state, {"other2"}, [a_job()]) == state
