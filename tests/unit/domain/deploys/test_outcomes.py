"""A deploy as a value: its contents, the outcomes of its services, and what is left to do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.domain.commands.ordering import TYPED, may_concern, typed
from bot.domain.commands.values import Defaults
from bot.domain.deploys.outcomes import (
    cancelled,
    held_back,
    jobs_before,
    kept,
    refused_file,
    refused_stale,
    stopped_at,
    uncompleted,
    version_of,
)
from bot.domain.errors import RefusedError, StalePlanError, SwarmError, SwarmUnavailableError
from bot.domain.jobs.combined_outcome import stack_outcome
from bot.domain.jobs.model import JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.store.codec import decode_job, encode_job
from tests.unit.plans import PLAN, STEPS, begun, deploy_job

WELL = Outcome(Verdict.CONVERGED, "2/2 running.", running=2, desired=2)
CRASH = Outcome(
    Verdict.CRASH_LOOPING,
    "Slot 1 failed 3 times.",
    cause=Cause(CauseKind.EXIT_CODE, "exit 1", exit_code=1),
    running=0,
    desired=1,
)
NAMES = ("orochi_a", "orochi_b", "orochi_c")


def reasons(job):
    """Verdict and reason of each service, "" for those without an outcome."""
    outcomes = [*job.outcomes, *[None] * (len(job.targets) - len(job.outcomes))]
    return {
        target.service.removeprefix("orochi_"): (each.verdict.value, each.reason) if each else ""
        for target, each in zip(job.targets, outcomes, strict=True)
    }


def test_a_deploy_locks_its_stack_and_every_service():
    """Deploys of one stack queue up, together with changes of one of its services."""
    assert deploy_job().lanes == (
        *("stack:orochi", "orochi_db", "orochi_new", "orochi_old", "orochi_web"),
    )
    assert deploy_job().target == "orochi"


def test_a_job_with_a_plan_survives_serialization():
    job = begun(deploy_job(), 2, "db")

    assert decode_job(encode_job(job)) == job


def test_a_record_without_a_plan_can_be_read():
    record = json.loads(encode_job(replace(deploy_job(), plan=None)))
    for field in ("plan", "version", "confirmed_by", "steps_made"):
        del record["job"][field]
    job = decode_job(json.dumps(record))

    assert (job.plan, job.begun, job.confirmed_by) == (None, False, "")


@pytest.mark.parametrize(
    ("text", "concerns"),
    [
        ("deploy --yes", True),
        ("deploy orochi --yes", True),
        ("deploy shop --yes", False),
        ("deploy", False),
        ("scale web 3", True),
        ("restart django", False),
    ],
)
def test_commands_are_queued_in_the_order_they_were_typed(text, concerns):
    """A plan that waits for confirmation joins the queue when it is confirmed."""
    assert may_concern(typed(TYPED, text, Defaults()), deploy_job()) is concerns


@pytest.mark.parametrize(
    ("outcomes", "verdict", "reason"),
    [
        ((WELL, WELL, WELL), Verdict.CONVERGED, "2/2 running."),
        (
            (WELL, replace(WELL, reason="All."), replace(WELL, verdict=Verdict.COMPLETED)),
            Verdict.CONVERGED,
            "All 3 services are as planned, 1 of them completed.",
        ),
        ((WELL, CRASH, WELL), Verdict.CRASH_LOOPING, "b: Slot 1 failed 3 times."),
        (
            (WELL, replace(CRASH, verdict=Verdict.PAUSED, reason="Paused."), CRASH),
            Verdict.CRASH_LOOPING,
            "c: Slot 1 failed 3 times. 1 other service is not as planned.",
        ),
        (
            (WELL, Outcome(Verdict.REFUSED, "Not removed."), Outcome(Verdict.TIMED_OUT, "Late.")),
            Verdict.TIMED_OUT,
            "c: Late. 1 other service is not as planned.",
        ),
    ],
)
def test_the_stacks_verdict_is_the_worst_of_its_services(outcomes, verdict, reason):
    found = stack_outcome("orochi", NAMES, outcomes)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_the_stack_adds_up_its_services_counts_and_probation():
    provisional = replace(WELL, reason="2 of 2.", provisional=True)
    found = stack_outcome("orochi", NAMES, (WELL, provisional, CRASH))

    assert (found.running, found.desired, found.provisional) == (4, 5, True)
    assert found.cause == CRASH.cause


def test_every_bad_verdict_is_worse_than_every_good_one():
    ranks = {verdict: verdict.severity for verdict in Verdict}

    assert len(set(ranks.values())) == len(ranks)
    assert max(rank for each, rank in ranks.items() if each.good) < min(
        rank for each, rank in ranks.items() if not each.good
    )


def test_a_stale_plan_is_refused_with_what_changed():
    sentences = [f"orochi_s{number} changed." for number in range(8)]
    job = refused_stale(deploy_job(), sentences)

    assert job.outcome is not None
    assert job.outcome.verdict is Verdict.REFUSED
    assert job.outcome.reason == (
        "The plan is out of date. orochi_s0 changed. orochi_s1 changed. orochi_s2 changed."
        " orochi_s3 changed. orochi_s4 changed. And 3 more. Nothing was changed."
    )


def test_a_stale_step_stops_the_rest_and_keeps_the_finished_steps():
    job = begun(deploy_job(), 3, "db", "new")
    job = stopped_at(job, STEPS[3], StalePlanError("orochi_web changed.", hint="Ask."), once=True)

    assert reasons(job) == {
        "db": "",
        "new": "",
        "old": ("refused", "Not changed: web failed first."),
        "web": ("superseded", "Not changed: orochi_web changed."),
    }


def test_a_step_waits_for_the_jobs_that_the_plan_runs():
    """Not for ``db``, which has not changed."""
    job = begun(deploy_job(), 3, "db", "new")
    (index,) = jobs_before(job, replace(STEPS[3], after=("orochi_new", "orochi_db")))

    assert job.targets[index].service == "orochi_new"
    assert jobs_before(job, STEPS[3]) == ()
    assert uncompleted(job, (index,)) == "orochi_new"
    failed = job.with_outcome(index, Outcome(Verdict.FAILED, "It failed."))
    assert uncompleted(failed, (index,)) == "orochi_new"
    done = job.with_outcome(index, Outcome(Verdict.COMPLETED, "1/1 completed."))
    assert uncompleted(done, (index,)) == ""


def test_what_ran_is_named_before_what_was_held_back_because_of_it():
    job = begun(deploy_job(), 3, "db", "new")
    job = held_back(job.with_outcome(1, Outcome(Verdict.FAILED, "")), "orochi_web", "orochi_new")

    assert uncompleted(job, (3, 1)) == "orochi_new"


def test_what_depends_on_a_job_that_failed_is_not_changed():
    job = begun(deploy_job(), 3, "db", "new")
    held = reasons(held_back(job, "orochi_web", "orochi_db"))

    assert held["web"] == ("refused", "Not changed: db did not complete.")
    assert (held["new"], held["old"]) == ("", "")


def test_a_network_that_cannot_be_created_fails_all_services():
    error = SwarmError("The engine said: no.")
    job = stopped_at(begun(deploy_job(), 0, "db"), STEPS[0], error, once=True)
    told = (
        "failed",
        f"The network orochi_default: The engine said: no. It was not changed. (ref {error.ref})",
    )

    assert reasons(job) == {"db": "", "new": told, "old": told, "web": told}


def test_nothing_changed_only_if_the_first_step_was_certainly_refused():
    """Another worker may have made the change, and so may an engine that did not answer."""
    no, silent = SwarmError("The engine said: no."), SwarmUnavailableError("No answer.")
    first = begun(deploy_job(), 0, "db")

    assert stopped_at(first, STEPS[0], no, once=True).untouched
    assert not stopped_at(first, STEPS[0], silent, once=True).untouched
    assert not stopped_at(first, STEPS[0], no, once=False).untouched
    assert not stopped_at(replace(first, attempt=2), STEPS[0], no, once=True).untouched
    assert not stopped_at(begun(deploy_job(), 1, "db"), STEPS[1], no, once=True).untouched


@pytest.mark.parametrize(
    ("error", "doubtful", "said"),
    [
        (SwarmError("The engine said: no."), False, "no. It was not changed. (ref "),
        (SwarmError("The engine said: no."), True, "no. It may have been changed. (ref "),
        (StalePlanError("web changed."), False, "Not changed: web changed."),
        (StalePlanError("web changed."), True, "web changed. It may have been changed."),
    ],
)
def test_a_step_is_called_unchanged_only_if_no_earlier_try_may_have_made_it(error, doubtful, said):
    error.doubtful = doubtful
    job = stopped_at(begun(deploy_job(), 3, "db", "new"), STEPS[3], error, once=False)

    assert said in reasons(job)["web"][1]


def test_removals_wait_until_everything_else_is_healthy():
    assert reasons(kept(begun(deploy_job(), 4, "db", "new", "web"), [2]))["old"] == (
        "refused",
        "Not removed: services are removed only after the others succeed.",
    )


def test_an_invalid_file_before_the_first_step_changes_nothing():
    job = refused_file(deploy_job(), RefusedError("It is not valid YAML.", hint="Mend it."))

    assert set(reasons(job).values()) == {("refused", "It is not valid YAML. Nothing was changed.")}


def test_an_invalid_file_after_some_steps_keeps_following_their_services():
    job = refused_file(begun(deploy_job(), 3, "db", "new"), RefusedError("It is no YAML."))

    assert reasons(job)["new"] == ""
    assert reasons(job)["web"] == ("refused", "Not changed: It is no YAML.")


def test_stop_waiting_says_what_was_done_and_what_was_not():
    job = begun(deploy_job(), 4, "db", "new", "web")
    job = job.with_progress(3, ServiceProgress("orochi_web", 1, 2, "1/2 running"))
    job = cancelled(job, "U9")

    assert job.cancelled_by == "U9"
    assert reasons(job) == {
        "db": ("cancelled", "Unchanged. No longer watched."),
        "new": ("cancelled", "Added. No longer watched."),
        "old": ("cancelled", "Not removed."),
        "web": ("cancelled", "Changed. No longer watched: 1/2 running."),
    }
    assert set(reasons(cancelled(deploy_job(), "U9")).values()) == {
        ("cancelled", "Cancelled before the change. Nothing was changed.")
    }


def test_a_version_has_the_replicas_of_the_deployed_services():
    """A service that the deploy did not reach keeps the number of the version before, if any."""
    job = refused_file(begun(deploy_job(), 3, "db", "new"), RefusedError("No."))
    job = job.with_outcome(0, WELL).with_outcome(1, WELL)
    job = replace(job, state=JobState.FINISHED, finished=5.0)
    version = version_of(job, {"orochi_web": 7, "orochi_gone": 1}, 9.0)

    assert version.replicas == {"orochi_db": 1, "orochi_new": 3, "orochi_web": 7}
    assert version.images == {
        "orochi_db": "lab/db:1",
        "orochi_new": "lab/busy:1",
        "orochi_web": "lab/busy:2",
    }
    assert (version.verdict, version.at, version.digest) == (Verdict.REFUSED, 5.0, PLAN.digest)
