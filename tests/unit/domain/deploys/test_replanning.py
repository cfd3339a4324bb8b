"""A deploy without confirmation is planned when it starts; a roll back restores replicas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.deploys.outcomes import version_of
from bot.domain.deploys.replanning import replanned
from bot.domain.jobs.deploy_plan import Plan, ReplicaRule, Replicas, decide
from bot.domain.jobs.verdict import Outcome, Verdict
from tests.unit.plans import OLD, PLAN, STEPS, WEB, begun, deploy_job

NEW_PLAN = Plan("orochi", STEPS[3:], (OLD, WEB), digest="other")


def test_a_deploy_without_confirmation_gets_the_plan_of_its_start():
    job = replanned(deploy_job(), NEW_PLAN)

    assert job.plan == NEW_PLAN
    assert [(target.service, target.replicas) for target in job.targets] == [
        ("orochi_old", 0),
        ("orochi_web", 2),
    ]


@pytest.mark.parametrize(
    ("job", "plan"),
    [
        (replace(deploy_job(), confirmed_by="U1"), NEW_PLAN),
        (begun(deploy_job(), 1), NEW_PLAN),
        (deploy_job(), replace(NEW_PLAN, digest=PLAN.digest)),
        (deploy_job(), Plan("orochi", (), (), digest="nothing")),
    ],
    ids=["confirmed", "begun", "the same plan", "a file without services"],
)
def test_a_plan_stays(job, plan):
    assert replanned(job, plan) == job


def test_a_version_keeps_the_replicas_that_it_changed():
    scaled = replace(WEB, replicas=Replicas(2, 5, 5, ReplicaRule.FILE))
    job = begun(deploy_job(Plan("orochi", STEPS[3:4], (scaled,), digest="d")), 1, "web")
    job = job.with_outcome(0, Outcome(Verdict.CONVERGED, "Well."))

    assert version_of(job, {}, 1.0).before == {"orochi_web": 2}


@pytest.mark.parametrize(
    ("live", "undone", "planned"),
    [(3, 1, 1), (3, None, 3), (4, 1, 4)],
    ids=["changed by the version", "not changed by it", "scaled by hand since"],
)
def test_a_roll_back_restores_replicas_that_the_file_does_not_state(live, undone, planned):
    found = decide("s_a", live, None, scaled_from=None, deployed={"s_a": 3}, undone=undone)

    assert (found.planned, found.rule) == (planned, ReplicaRule.UNSTATED)


@pytest.mark.parametrize(
    ("live", "undone", "planned", "rule"),
    [
        (3, 5, 5, ReplicaRule.SCALED),
        (5, 5, 5, ReplicaRule.SCALED),
        (3, 2, 2, ReplicaRule.FILE),
        (2, 2, 2, ReplicaRule.UNCHANGED),
        (4, 5, 2, ReplicaRule.FILE),
        (3, None, 2, ReplicaRule.FILE),
    ],
    ids=[
        "scaled by hand before the version",
        "the roll back goes on",
        "as in the file before the version",
        "as in the file already",
        "scaled by hand since",
        "not changed by the version",
    ],
)
def test_a_roll_back_restores_replicas_that_were_set_by_hand(live, undone, planned, rule):
    """The file of the version to which it goes back states two."""
    found = decide("s_a", live, 2, scaled_from=None, deployed={"s_a": 3}, undone=undone)

    assert (found.planned, found.rule) == (planned, rule)
