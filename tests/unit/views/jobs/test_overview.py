"""Several services in one message: those in trouble are seen first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.deploys.outcomes import cancelled, stopped_at
from bot.domain.errors import SwarmError
from bot.domain.jobs.deploy_plan import Difference
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.text.message import Message
from bot.views.jobs.images import both_images
from bot.views.jobs.message import job_message, thread_mention
from bot.views.slack.blocks import lines_in
from tests.unit.hostile import shown
from tests.unit.plans import DB, PLAN, WEB, begun, deploy_job

NOW = 1_700_000_000.0
WELL = Outcome(Verdict.CONVERGED, "2/2 running, stable for 5 s.", running=2, desired=2)
CRASHED = Outcome(
    Verdict.CRASH_LOOPING, "0/2 running; slot 1 failed 3 times.", "Read its log.", desired=2
)
REJECTED = tuple(
    SlotProgress(place, "rejected", "n1", "No such image", failures=3) for place in "12"
)


def deploying(count: int, unchanged: int = 0) -> Job:
    """A deploy under way that changes ``count`` services, each to an image of its own."""
    images = [Difference("image", f"lab/busy:{n}", f"lab/busy:{n}-b") for n in range(count)]
    changed = [replace(WEB, name=f"orochi_s{n}", fields=(each,)) for n, each in enumerate(images)]
    same = [replace(DB, name=f"orochi_u{n}") for n in range(unchanged)]
    job = deploy_job(replace(PLAN, services=(*changed, *same)))
    job = begun(job, 5, *(target.service.removeprefix("orochi_") for target in job.targets))
    return replace(job, state=JobState.RUNNING, started=NOW)


def updating(count: int) -> Job:
    """An update of several services."""
    targets = tuple(
        Target(f"s{n}", f"id{n}", 2, applied=NOW, changed=True, image="a:2", image_before="a:1")
        for n in range(count)
    )
    return Job("k3f9ab", "update", "", "update", "U1", "C1", NOW, targets, state=JobState.RUNNING)


def ended(job: Job, *outcomes: Outcome) -> Job:
    """The job with these outcomes."""
    for index, outcome in enumerate(outcomes):
        job = job.with_outcome(index, outcome)
    return replace(job, state=JobState.FINISHED, finished=NOW)


def labels(message: Message) -> list[str]:
    """What the buttons say."""
    return [
        each["text"]["text"]
        for block in message.blocks
        for each in block.get("elements", ())
        if "value" in each
    ]


@pytest.mark.parametrize("count", [3, 8, 14])
def test_a_service_that_fails_during_a_deploy_is_the_first_and_has_its_error(count: int) -> None:
    job = deploying(count, 7)
    slots = (SlotProgress("1", "running", "n1"), SlotProgress("2", "preparing", "n2"))
    for index in range(count - 1):
        job = job.with_progress(index, ServiceProgress("s", 1, 2, "1/2 running", slots))
    failing = ServiceProgress("s", 0, 2, "0/2 running", REJECTED)
    message = job_message(job.with_progress(count - 1, failing), NOW)

    lines = shown(message).split("\n")
    assert lines[1].startswith(f"*s{count - 1}*")
    assert "No such image" in lines[2]
    assert lines_in(message.blocks) <= 12


@pytest.mark.parametrize(
    ("text", "image", "named"),
    [
        ("update web", "lab/web:2", "the newest :2"),
        (f"update web :2@sha256:{'a' * 64}", "lab/web:2", ":2 aaaaaaaaaaaa"),
        (f"update web @sha256:{'a' * 64}", "lab/web", "aaaaaaaaaaaa"),
        (f"update web lab/other:3@sha256:{'a' * 64}", "lab/other:3", "lab/other:3 aaaaaaaaaaaa"),
        (f"update web :3@sha256:{'a' * 64}", "lab/web:3", ":3 aaaaaaaaaaaa"),
    ],
)
def test_a_digest_that_was_typed_is_in_the_headline(text: str, image: str, named: str) -> None:
    job = replace(updating(1), text=text)
    pinned = f"{image}@sha256:{'a' * 64}"
    target = replace(job.targets[0], image=pinned, image_before=f"lab/web:2@sha256:{'b' * 64}")

    message = job_message(job.with_target(0, target), NOW)

    assert shown(message).split("\n")[0] == f"🔄 Running: update s0 to {named}"


def test_the_failed_service_of_an_update_is_the_first_to_be_rolled_back() -> None:
    message = job_message(ended(updating(5), *[WELL] * 4, CRASHED), NOW)

    assert labels(message) == ["Roll back s4", "Roll back s0", "Roll back s1"]


def test_the_worst_service_of_a_deploy_is_the_first_to_be_rolled_back() -> None:
    paused = Outcome(Verdict.PAUSED, "The swarm paused it.", desired=2, can_roll_back=True)
    worse = replace(CRASHED, can_roll_back=True)

    message = job_message(ended(deploying(5), *[paused] * 4, worse), NOW)

    assert labels(message) == ["Roll back s4", "Roll back s0", "Roll back s1"]


def test_the_notification_and_the_mention_name_the_service_that_failed() -> None:
    job = ended(updating(5), *[WELL] * 3, CRASHED, replace(CRASHED, reason="Late."))
    said = "s3: 0/2 running; slot 1 failed 3 times. 1 other service is not as planned."

    assert job_message(job, NOW).text.endswith(f", 6/10 running. {said}")
    assert thread_mention(job).text.endswith(f"*crash looping*. {said}")


def test_the_notification_of_several_services_has_one_number() -> None:
    numbers = WELL, replace(WELL, reason="3/3 running, stable for 5 s.", running=3, desired=3)

    assert job_message(ended(updating(2), *numbers), NOW).text.endswith(
        ", 5/5 running. All 2 services are as planned."
    )
    assert job_message(ended(updating(2), WELL, WELL), NOW).text.endswith(", 4/4 running")


def test_what_a_cancelled_deploy_leaves_alone_is_not_counted_as_not_as_planned() -> None:
    job = deploying(1, 2)
    for index in range(3):
        job = job.with_progress(index, ServiceProgress("s", 1, 2, "1/2 running"))
    job = cancelled(job, "U1")
    message = job_message(replace(job, state=JobState.FINISHED, finished=NOW), NOW)

    assert message.text.endswith("Changed. No longer watched: 1/2 running.")
    assert "not as planned" not in f"{message.text} {shown(message)}"


def test_what_a_deploy_leaves_alone_is_not_refused_when_a_step_fails() -> None:
    job = replace(begun(deploy_job(), 2), state=JobState.RUNNING)
    step = next(each for each in PLAN.steps if each.name == "orochi_web")
    job = stopped_at(job, step, SwarmError("No."), once=True)
    message = job_message(replace(job, state=JobState.FINISHED, finished=NOW), NOW)
    lines = shown(message).split("\n")

    assert "🚫 Refused · *new*, *old* · Not changed: web failed first." in lines
    assert "1 unchanged: not watched" in lines
    assert message.text.endswith("2 other services are not as planned.")


def test_the_notification_of_a_drain_says_whose_tasks_run() -> None:
    node = Target("node:machine-02", "n2", 2, applied=NOW)
    job = replace(updating(1), action="drain")
    late = Outcome(Verdict.TIMED_OUT, "1 task still runs there: web.2.", running=1, desired=2)

    stuck = ended(replace(job, targets=(node, *job.targets)), late, WELL)
    broken = ended(replace(job, targets=(node, *job.targets)), WELL, CRASHED)

    assert job_message(stuck, NOW).text.endswith(
        "drain machine-02, services 2/2 running. 1 task still runs there: web.2."
    )
    assert job_message(broken, NOW).text.endswith(". s0: 0/2 running; slot 1 failed 3 times.")


@pytest.mark.parametrize("verdict", [Verdict.CANCELLED, Verdict.REFUSED])
def test_a_job_that_was_not_done_does_not_count_the_others(verdict: Verdict) -> None:
    held = (Outcome(verdict, f"`s0` is held: {n}.", running=1, desired=2) for n in range(2))

    assert job_message(ended(updating(2), *held), NOW).text.endswith(
        "2/4 running. `s0` is held: 0."
    )


def test_all_services_that_failed_are_named_and_the_worst_says_why() -> None:
    causes = [f"0/2 running; slot 1 failed: exit {n}." for n in range(9)]
    failed = [replace(CRASHED, reason=each, evidence="a\nb\nc\nd") for each in causes]
    message = job_message(ended(deploying(10), *failed[:6], *[WELL] * 4), NOW)
    lines = shown(message).split("\n")

    assert [f"*s{n}*" in shown(message) for n in range(6)] == [True] * 6
    assert lines[1].endswith("exit 0.")
    assert lines[2] == "*Next:* Read its log."
    assert lines_in(message.blocks) <= 12


def test_of_many_services_that_failed_those_with_a_button_are_named() -> None:
    failed = [replace(CRASHED, reason=f"slot 1 failed: exit {n}.") for n in range(20)]
    failed[18] = replace(failed[18], can_roll_back=True)
    message = job_message(ended(deploying(20), *failed), NOW)

    assert (
        "and 16 more unsuccessful: *s18*, *s4*, *s5*, *s6* and 12 more · all in `jobs k3f9ab`"
        in shown(message).split("\n")
    )
    assert lines_in(message.blocks) <= 12


def test_images_that_have_no_room_are_in_the_detail() -> None:
    well = job_message(ended(deploying(8, 1), *[WELL] * 9), NOW)
    bad = job_message(ended(deploying(3), *[CRASHED] * 3), NOW)

    assert (
        "✅ 6 more converged: *s2*, *s3*, *s4*, *s5* and 2 more · images: `jobs k3f9ab`"
        in shown(well).split("\n")
    )
    assert "*s0*, *s1*, *s2* (images: `jobs k3f9ab`)" in shown(bad)


def test_an_unchanged_service_that_fails_during_a_deploy_is_shown_with_its_error() -> None:
    crashing = SlotProgress("2", "running", "n2", "task: non-zero exit (1)", failures=4)
    unplaced = SlotProgress("1", "pending", note="no suitable node")
    job = deploying(1, 3).with_progress(0, ServiceProgress("s", 1, 2, "1/2 running"))
    job = job.with_progress(1, ServiceProgress("s", 2, 2, "2/2 running", (crashing,)))
    job = job.with_progress(2, ServiceProgress("s", 0, 3, "0/3 running", (unplaced,)))
    job = job.with_progress(3, ServiceProgress("s", 2, 2, "2/2 running"))
    lines = shown(job_message(job, NOW)).split("\n")

    assert lines[1:5] == [
        "*u0* unchanged  ▰▰ 2/2 running",
        "🟢 slot 2: running on n2 · failed 4 times · task: non-zero exit (1)",
        "*u1* unchanged  ▱▱▱ 0/3 running",
        "🔴 slot 1: pending · no suitable node",
    ]
    assert "1 unchanged: all running" in lines


@pytest.mark.parametrize(
    ("desired", "said"),
    [
        ((2, 2), "2 unchanged: all running"),
        ((2, 0), "2 unchanged: 1 running, 1 without tasks"),
        ((0, 0), "2 unchanged: without tasks"),
    ],
)
def test_a_service_that_is_scaled_to_zero_does_not_run(desired: tuple[int, ...], said: str) -> None:
    unchanged = (replace(WELL, running=each, desired=each) for each in desired)

    assert said in shown(job_message(ended(deploying(1, 2), WELL, *unchanged), NOW)).split("\n")


A, B = (f"@sha256:{digit * 64}" for digit in "ab")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (f"r.example/app{A}", f"r.example/app{B}", "`app aaaaaaaaaaaa` → `app bbbbbbbbbbbb`"),
        (f"app:1{A}", f"app:1{B}", "`app:1 aaaaaaaaaaaa` → `app:1 bbbbbbbbbbbb`"),
        (f"app:1{A}", f"app{B}", "`app:1 aaaaaaaaaaaa` → `app bbbbbbbbbbbb`"),
        (f"app:1{A}", f"app:2{B}", "`app:1` → `app:2`"),
        ("", f"app{B}", "`app bbbbbbbbbbbb`"),
    ],
)
def test_digests_are_short_and_none_is_hidden(before: str, after: str, change: str) -> None:
    assert both_images(before, after) == change


def test_of_images_with_the_same_name_the_registry_is_shown() -> None:
    images = [Difference("image", f"{host}.example/a:1", f"{host}.example/a:2") for host in "xy"]
    changed = [replace(WEB, name=f"orochi_{n}", fields=(each,)) for n, each in enumerate(images)]
    job = begun(deploy_job(replace(PLAN, services=tuple(changed))), 5)
    job = ended(job, WELL, WELL)
    lines = shown(job_message(job, NOW)).split("\n")

    assert lines[1].startswith("*0* `x.example/a:1` → `x.example/a:2`")
    assert lines[2].startswith("*1* `y.example/a:1` → `y.example/a:2`")
