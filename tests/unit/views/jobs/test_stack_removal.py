"""The removal of a stack: its plan, its course and its end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploys.decision import Decision
from bot.domain.jobs.deploy_plan import Kind
from bot.domain.jobs.model import REMOVAL, Job, JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.stack_removal import (
    StackContents,
    StackPart,
    cancelled_before,
    ended,
    plan_of,
    targets_of,
)
from bot.domain.text.message import Message
from bot.views.jobs.message import job_message
from bot.views.jobs.proposal import closed_proposal, proposal
from tests.unit.hostile import assert_slack_takes, hostile, shown

NOW = 1_700_000_000.0
SHOP = StackContents(
    "shop",
    (StackPart(Kind.SERVICE, "s1", "shop_web", 1), StackPart(Kind.NETWORK, "n1", "shop_net")),
    volumes=("shop_data",),
)
GONE = Outcome(Verdict.CONVERGED, "Removed. All tasks have stopped.")
PEOPLE = ("U123", "U456")


def a_job(contents: StackContents = SHOP, told: str = "To bring it back: …") -> Job:
    plan = plan_of(contents)
    return Job(
        "k3f9ab", REMOVAL, contents.stack, "remove shop", "U123", "C1", NOW, targets_of(plan),
        plan=plan, foretold=(told,),
    )  # fmt: skip


def finished(job: Job) -> Message:
    return job_message(replace(job, state=JobState.FINISHED, finished=NOW + 9), NOW)


def begun(job: Job) -> Job:
    made = tuple(replace(each, update_before=0.0, applied=NOW) for each in job.targets)
    return replace(job, targets=made, state=JobState.RUNNING)


def test_the_plan_has_a_field_for_the_name_and_a_red_button() -> None:
    message = proposal(a_job(), NOW + 600)
    assert_slack_takes(message, PEOPLE)

    *_, field, row = message.blocks
    assert field["type"] == "input"
    assert field["label"]["text"] == "Type shop to remove it"
    assert [(each["action_id"], each["value"]) for each in row["elements"]] == [
        ("job.confirm", "k3f9ab"),
        ("job.cancel", "k3f9ab"),
    ]
    assert row["elements"][0]["style"] == "danger"
    assert message.metadata is not None
    found = {key: message.metadata.payload[key] for key in ("action", "target", "state", "desired")}
    assert found == {"action": "remove", "target": "shop", "state": "queued", "desired": 0}


def test_a_closed_plan_says_what_was_not_done() -> None:
    message = closed_proposal(a_job(), Decision.EXPIRED, "", "/orochi")

    assert "To be removed: 1 service, 1 network. 1 volume stays." in shown(message)
    assert "Nothing was changed." in shown(message)


def test_its_end_has_a_button_that_brings_it_back() -> None:
    """If a version does; also when it was not removed whole."""
    job = replace(begun(a_job()).with_outcome(0, GONE), way_back=4)

    for over in (ended(job, (), ""), ended(job, job.plan.steps[1:] if job.plan else (), "busy")):
        message = finished(over)
        button = message.blocks[-1]["elements"][0]
        assert (button["action_id"], button["value"]) == ("job.rollback", "k3f9ab")
        assert button["text"]["text"] == "Bring back version 4"
    assert "Bring back" not in shown(finished(replace(ended(job, (), ""), way_back=0)))
    assert "To bring it back" not in shown(finished(cancelled_before(a_job(), "U456")))


contents = st.builds(
    StackContents,
    st.just("shop"),
    st.lists(
        st.builds(StackPart, st.sampled_from(Kind), hostile, hostile, st.none() | st.just(3)),
        max_size=150,
    ).map(tuple),
    volumes=st.lists(hostile, max_size=80).map(tuple),
)


@given(contents, hostile, hostile, st.booleans())
def test_slack_takes_any_removal(
    found: StackContents,
    told: str,
    reason: str,
    cancelled: bool,
) -> None:
    """Many services with long and strange names, in each state."""
    waiting = a_job(found, told)
    running = begun(waiting)
    for index, target in enumerate(running.targets[::2]):
        seen = ServiceProgress(target.service, 1, 0, reason)
        running = running.with_progress(index * 2, seen)
    user = "U456" if cancelled else ""
    plan = plan_of(found)

    assert_slack_takes(proposal(waiting, NOW + 600), PEOPLE)
    assert_slack_takes(closed_proposal(waiting, Decision.CANCELLED, "U456", "/orochi"), PEOPLE)
    for job in (waiting, replace(waiting, state=JobState.RUNNING), running):
        assert_slack_takes(job_message(job, NOW), PEOPLE)
    for left in (None, (), plan.steps):
        assert_slack_takes(finished(ended(running, left, reason, user)), PEOPLE)
