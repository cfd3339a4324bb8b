"""A plan as people read it, its later states, and the services in a deploy's message."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.deploys.decision import Decision
from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    ReplicaRule,
    Replicas,
    ServiceChange,
)
from bot.domain.jobs.model import JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.views.jobs.message import job_message
from bot.views.jobs.plan import closed_message, nothing_to_do, plan_message, summary
from bot.views.slack.blocks import lines_in
from tests.unit.hostile import assert_slack_takes, hostile, shown
from tests.unit.plans import DB, PLAN, WEB, begun, deploy_job

NOW = 1_700_000_000.0
PEOPLE = {"U123", "U999"}
names = st.one_of(hostile, st.from_regex(r"orochi_[a-z]{1,12}", fullmatch=True))
numbers = st.none() | st.integers(0, 10**6)
fields = st.lists(st.builds(Difference, hostile, hostile, hostile), max_size=2).map(tuple)
changes = st.builds(
    ServiceChange,
    name=names,
    action=st.none() | st.sampled_from(PlanAction),
    fields=fields,
    replicas=st.builds(Replicas, numbers, numbers, numbers, st.sampled_from(ReplicaRule)),
)
plans = st.builds(
    Plan,
    stack=st.from_regex(r"[a-z]{1,30}", fullmatch=True),
    steps=st.lists(
        st.builds(PlanStep, st.sampled_from(Kind), st.sampled_from(PlanAction), names), max_size=2
    ).map(tuple),
    services=st.lists(changes, min_size=1, max_size=3).map(tuple),
    warnings=st.lists(hostile, max_size=2).map(tuple),
)
times = st.sampled_from([1, 1, 1, 18])
outcomes = st.none() | st.builds(
    Outcome,
    verdict=st.sampled_from(Verdict),
    reason=hostile,
    advice=hostile,
    running=st.integers(0, 50),
    desired=st.integers(0, 50),
    evidence=hostile,
    can_roll_back=st.booleans(),
)


def buttons(message):
    return [
        each for block in message.blocks for each in block.get("elements", ()) if "value" in each
    ]


def many(count, action=PlanAction.UPDATE):
    """A plan of many services."""
    fields = tuple(Difference(f"environment KEY_{n}", "old" * 9, "new" * 9) for n in range(12))
    services = tuple(
        ServiceChange(f"orochi_service-number-{n:03}", action, f"s{n}", "b", "image", fields)
        for n in range(count)
    )
    taken = tuple(PlanStep(Kind.SERVICE, action, each.name, each.id) for each in services)
    return Plan("orochi", taken, services)


def test_a_plan_shows_every_field_and_asks_for_confirmation():
    message = plan_message(deploy_job(), PLAN, NOW + 600)
    assert_slack_takes(message, PEOPLE)

    assert shown(message).split("\n")[:14] == [
        "📋 Plan: deploy orochi",
        (
            "*1 service is removed, 1 changes, 1 is added, 1 unchanged."
            " 1 network, 1 secret created or updated.*"
        ),
        (
            "🗑️ *old* will be removed (2 replicas): it is not in the file."
            " Removed last, once the other services are healthy."
        ),
        "✏️ *web* changes:",
        "    • image: `lab/busy:1` → `lab/busy:2`",
        "    • environment ADDED: `1` (new)",
        "    • label old: `x` (removed)",
        "🆕 *new* is added: image `lab/busy:1`, replicas `3`",
        "Created: the network orochi_default",
        "Labels changed: the secret orochi_password",
        "• db keeps its 4 replicas: set by hand; the file says 1.",
        "⚠️ Warning: Ignoring unsupported options: build",
        (
            "<@U123> · plan `k3f9ab` · nothing happens before Confirm; expires"
            " <!date^1700000600^{date_short_pretty} {time}|2023-11-14 22:23 UTC>"
        ),
        "Confirm",
    ]
    assert [(each["action_id"], each["value"]) for each in buttons(message)] == [
        ("job.confirm", "k3f9ab"),
        ("job.cancel", "k3f9ab"),
    ]


def test_a_plan_is_its_jobs_message_in_state_queued():
    """Other programs can follow the job from the plan on."""
    message = plan_message(deploy_job(), PLAN, NOW)

    assert message.metadata is not None
    payload = message.metadata.payload
    found = {key: payload[key] for key in ("job_id", "action", "target", "state", "verdict")}
    assert found == {
        "job_id": "k3f9ab",
        "action": "deploy",
        "target": "orochi",
        "state": "queued",
        "verdict": None,
    }


def test_sixty_services_fit_and_omissions_are_stated():
    text = shown(plan_message(deploy_job(), many(60), NOW))

    told = sum(f"number-{n:03}" in text for n in range(60))
    assert told == 60
    assert "60 services change" in text
    assert "more fields" in text


def test_removals_are_always_named():
    """This holds even if nothing else fits."""
    message = plan_message(deploy_job(), many(45, PlanAction.REMOVE), NOW)
    assert_slack_takes(message, PEOPLE)

    assert all(f"service-number-{n:03}" in shown(message) for n in range(45))
    assert "*45 services will be removed:*" in shown(message)


def test_a_cancelled_plan_names_the_person_and_says_that_nothing_was_changed():
    message = closed_message(deploy_job(), summary(PLAN), Decision.CANCELLED, "U999", "/orochi")
    assert_slack_takes(message, PEOPLE)

    assert "Cancelled by <@U999>. Nothing was changed." in shown(message)
    assert "`/orochi deploy` makes a new plan." in shown(message)
    assert message.metadata is not None
    assert (message.metadata.payload["state"], message.metadata.payload["verdict"]) == (
        "finished",
        "cancelled",
    )
    assert buttons(message) == []


def test_an_expired_plan_says_so():
    message = closed_message(deploy_job(), summary(PLAN), Decision.EXPIRED, "", "/orochi")
    assert_slack_takes(message, PEOPLE)

    assert "Nobody confirmed it in time. Nothing was changed." in shown(message)


def test_a_plan_without_steps_says_that_nothing_changes():
    text = nothing_to_do(replace(PLAN, steps=()))

    assert text.startswith("Nothing to deploy: the stack orochi matches its file")
    assert "db keeps its 4 replicas" in text


def again(plan, times):
    """A plan with all its parts repeated, with fewer fields per service."""
    services = tuple(
        replace(each, fields=each.fields * min(times, 8)) for each in plan.services * times
    )
    return replace(
        plan, steps=plan.steps * times, services=services, warnings=plan.warnings * times
    )


@settings(deadline=None, max_examples=40)
@given(plans, times, st.sampled_from(Decision))
def test_slack_accepts_every_plan(plan, times, decision):
    plan = again(plan, times)
    job = deploy_job(plan)
    assert_slack_takes(plan_message(job, plan, NOW), PEOPLE)
    assert_slack_takes(closed_message(job, summary(plan), decision, "U999", "/orochi"), PEOPLE)


@settings(deadline=None, max_examples=40)
@given(plans, times, st.lists(outcomes, max_size=4), st.sampled_from(JobState))
def test_slack_accepts_every_deploys_message(plan, times, found, state):
    plan = again(plan, times)
    job = replace(begun(deploy_job(plan), 1), state=state, confirmed_by="U999", finished=NOW)
    for index, outcome in enumerate((found * 20)[: len(job.targets)]):
        job = job.with_progress(index, ServiceProgress("s", 1, 2, "starting"))
        if outcome:
            job = job.with_outcome(index, outcome)
    assert_slack_takes(job_message(job, NOW), PEOPLE)


def test_a_running_deploy_has_a_bar_for_every_service_that_stays():
    job = replace(begun(deploy_job(), 4, "db", "new", "web"), state=JobState.RUNNING)
    for index, name in enumerate(("db", "new", "old", "web")):
        job = job.with_progress(index, ServiceProgress(f"orochi_{name}", 1, 2, "1/2 running"))
    text = shown(job_message(replace(job, confirmed_by="U999"), NOW))

    assert "4 of 5 plan steps done" in text
    assert "*web* `lab/busy:1` → `lab/busy:2`  ▰▱ 1/2 running" in text
    assert "*new* added  ▰▱ 1/2 running" in text
    assert "1 unchanged: *db* 1/2 running" in text
    assert "*old*  ▰▱" not in text, "a removal has no number to reach"
    assert "confirmed by <@U999>" in text


def test_unchanged_services_that_run_are_one_line():
    kept = [replace(DB, name=f"orochi_{n}") for n in range(7)]
    job = replace(deploy_job(replace(PLAN, services=(WEB, *kept))), state=JobState.FINISHED)
    for index in range(8):
        job = job.with_outcome(index, Outcome(Verdict.CONVERGED, "2/2 running.", "", None, 2, 2))

    lines = shown(job_message(replace(begun(job, 5), finished=NOW), NOW)).split("\n")
    assert lines[1:3] == [
        "*web* `lab/busy:1` → `lab/busy:2`  ▰▰ 2/2 running.",
        "7 unchanged: all running",
    ]


def test_an_unchanged_service_that_fails_is_not_hidden():
    job = begun(deploy_job(), 5, "new", "web")
    for index, name in enumerate(("db", "new", "old", "web")):
        bad = Outcome(Verdict.UNHEALTHY, "1/4 running; the health check fails.", "", None, 1, 4)
        good = Outcome(Verdict.CONVERGED, "2/2 running.", running=2, desired=2)
        job = job.with_outcome(index, bad if name == "db" else good)
    text = shown(job_message(replace(job, state=JobState.FINISHED, finished=NOW), NOW))

    assert "❌ Unhealthy · *db*  ▰▱▱▱ 1/4 running; the health check fails." in text
    assert "✅ 3 of 4 converged: *new*, *old*, *web*" in text
    assert "unchanged" not in text


def test_the_worst_service_of_a_deploy_is_first():
    job = begun(deploy_job(), 5, "new", "web")
    found = (Verdict.CONVERGED, Verdict.REFUSED, Verdict.CANCELLED, Verdict.CRASH_LOOPING)
    for index, verdict in enumerate(found):
        job = job.with_outcome(index, Outcome(verdict, f"Reason {index}."))
    text = shown(job_message(replace(job, state=JobState.FINISHED, finished=NOW), NOW))

    assert [line[-9:] for line in text.split("\n") if "Reason" in line] == [
        "Reason 3.",
        "Reason 2.",
        "Reason 1.",
    ]


def test_of_fifteen_services_those_under_way_are_listed_and_the_others_counted():
    changed = tuple(replace(WEB, name=f"orochi_{n}") for n in range(15))
    job = replace(deploy_job(replace(PLAN, services=changed)), state=JobState.RUNNING, steps_made=9)
    for index in range(15):
        job = job.with_progress(index, ServiceProgress("s", 1, 2, "1/2 running"))
    for index in range(12):
        job = job.with_outcome(index, Outcome(Verdict.CONVERGED, "2/2 running.", "", None, 2, 2))

    lines = shown(job_message(job, NOW)).split("\n")
    assert [line for line in lines if "▰▱ 1/2 running" in line] == lines[1:4]
    assert lines[4] == "✅ 12 of 15 converged: *0*, *1*, *2*, *3* and 8 more"


def test_a_failed_deploy_shows_the_worst_first_and_how_to_roll_back():
    job = replace(begun(deploy_job(), 4, "db", "new", "web"), state=JobState.FINISHED, finished=NOW)
    well = Outcome(Verdict.CONVERGED, "All run.", running=4, desired=4)
    paused = Outcome(Verdict.PAUSED, "The swarm paused the update.", can_roll_back=True)
    kept = Outcome(Verdict.REFUSED, "Not removed.", running=2, desired=2)
    for index, outcome in enumerate((well, well, kept, paused)):
        job = job.with_outcome(index, outcome)
    message = job_message(job, NOW)
    assert_slack_takes(message, PEOPLE)
    (back,) = buttons(message)

    assert shown(message).startswith("⏸️ Update paused: 2 of 4 services succeeded, deploy orochi")
    assert message.text.endswith(
        "web: The swarm paused the update. 1 other service is not as planned."
    )
    assert (back["action_id"], back["value"]) == ("job.rollback", "service:orochi_web")
    assert back["text"]["text"] == "Roll back web"


def test_of_sixty_services_of_a_deploy_the_one_that_fails_is_first_and_the_rest_is_counted():
    job = replace(deploy_job(many(60)), state=JobState.RUNNING, steps_made=60)
    for index in range(60):
        job = job.with_progress(index, ServiceProgress("s", 1, 3, "1/3 running"))
    job = job.with_outcome(7, Outcome(Verdict.UNHEALTHY, "The health check never passes."))
    message = job_message(job, NOW)
    assert_slack_takes(message, PEOPLE)

    lines = shown(message).split("\n")
    assert lines[1].endswith("The health check never passes.")
    assert sum("▰▱▱ 1/3 running" in line for line in lines) == 5
    assert "and 54 more under way" in lines


@pytest.mark.parametrize(("count", "most"), [(1, 6), (3, 6), (20, 6)])
def test_a_deploy_that_converged_has_few_lines(count, most):
    images = [Difference("image", "lab/busy:1", f"lab/busy:{n + 2}") for n in range(count)]
    changed = [replace(WEB, name=f"orochi_{n}", fields=(each,)) for n, each in enumerate(images)]
    job = deploy_job(replace(PLAN, services=(*changed, DB)))
    job = begun(replace(job, state=JobState.FINISHED, finished=NOW), 5)
    for index in range(count + 1):
        job = job.with_outcome(index, Outcome(Verdict.CONVERGED, "2/2 running.", "", None, 2, 2))
    message = job_message(job, NOW)

    assert lines_in(message.blocks) <= most
    assert "*0* `lab/busy:1` → `lab/busy:2`  ▰▰ 2/2 running." in shown(message)
    assert "1 unchanged: all running" in shown(message)
    left = "✅ 18 more converged: *2*, *3*, *4*, *5* and 14 more"
    assert (left in shown(message)) == (count == 20)


def test_services_with_the_same_change_are_one_line():
    changed = tuple(replace(WEB, name=f"orochi_{n}") for n in range(20))
    job = begun(replace(deploy_job(replace(PLAN, services=changed)), state=JobState.FINISHED), 5)
    for index in range(20):
        job = job.with_outcome(index, Outcome(Verdict.CONVERGED, "2/2 running.", "", None, 2, 2))

    assert shown(job_message(replace(job, finished=NOW), NOW)).split("\n")[1] == (
        "*0*, *1*, *2*, *3* and 16 more `lab/busy:1` → `lab/busy:2`  ▰▰ 2/2 running."
    )


@pytest.mark.parametrize("failed", [1, 2, 5, 20])
def test_a_deploy_that_failed_has_the_cause_the_log_and_the_next_step_in_twelve_lines(failed):
    changed = tuple(replace(WEB, name=f"orochi_{n}") for n in range(20))
    job = deploy_job(replace(PLAN, services=(*changed, DB)))
    job = begun(replace(job, state=JobState.FINISHED, finished=NOW, way_back=3), 5)
    log = "\n".join(f"line {n}" for n in range(30))
    for index in range(21):
        reason, advice = f"1/2 running; slot {index} failed.", "Read its log."
        bad = Outcome(Verdict.CRASH_LOOPING, reason, advice, None, 1, 2, evidence=log)
        good = Outcome(Verdict.CONVERGED, "2/2 running.", running=2, desired=2)
        job = job.with_outcome(index, bad if index < failed else good)
    message = job_message(job, NOW)
    lines = shown(message).split("\n")

    assert lines_in(message.blocks) <= 12
    assert lines[1].endswith("slot 0 failed.")
    assert lines[2] == "*Next:* Read its log."
    assert ("line 29" in lines) == (failed < 5)
    assert buttons(message)[0]["text"]["text"] == "Roll back to version 3"


def test_a_roll_back_names_the_number_that_was_set_by_hand():
    web = ServiceChange(
        "orochi_web",
        PlanAction.UPDATE,
        fields=(Difference("replicas", "3", "5"),),
        replicas=Replicas(3, 2, 5, ReplicaRule.SCALED),
    )
    plan = Plan("orochi", (PlanStep(Kind.SERVICE, PlanAction.UPDATE, "orochi_web"),), (web,))

    text = shown(plan_message(deploy_job(plan), plan, NOW + 600))

    assert "web goes back from 3 replicas to 5, as before." in text


def test_a_new_service_that_is_not_restarted_is_run_to_completion():
    """Its deploy ends only when its tasks have ended."""
    added = ServiceChange(
        "orochi_once",
        PlanAction.CREATE,
        fields=(Difference("image", "", "a:1"), Difference("restart condition", "", "none")),
    )
    plan = Plan("orochi", (PlanStep(Kind.SERVICE, PlanAction.CREATE, "orochi_once"),), (added,))

    text = shown(plan_message(deploy_job(plan), plan, NOW + 600))

    assert "*once* is added: image `a:1`, run to completion (restart condition `none`)" in text
