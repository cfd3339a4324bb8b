"""The buttons of a job's message: each asks before it does what it says."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands.names import SERVICE_VALUE, is_service_name
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.domain.swarm.image_name import read_image
from bot.domain.text.message import Block
from bot.views.jobs.target import short
from bot.views.slack.blocks import actions, button, confirm
from bot.views.slack.text import plain
from bot.views.words import ACTIONS

MOST_BUTTONS = 3
_ALREADY_BACK = {Verdict.ROLLED_BACK, Verdict.SUPERSEDED}


def _stack_back_button(job: Job) -> Block:
    """Go back to the version before a deploy, or bring a removed stack back."""
    text = f"Shows a plan to go back to version {job.way_back}. Nothing happens before Confirm."
    title, verb = ("Bring back?", "Bring") if job.is_removal else ("Roll back?", "Roll")
    question = confirm(title, text, "Show the plan", "No")
    end = f"back version {job.way_back}" if job.is_removal else f"back to version {job.way_back}"
    return button("job.rollback", f"{verb} {end}", job.id, question)


def _scale_back_button(job: Job, targets: Sequence[Target]) -> Block:
    """Restore the numbers before a scale."""
    each = ", ".join(f"{short(job, target)} to {target.before}" for target in targets)
    label = f"Scale back to {targets[0].before}" if len(job.targets) == 1 else "Scale back"
    text = plain(f"A new job scales {each}", 280) + "."
    return button("job.rollback", label, job.id, confirm("Scale back?", text, "Scale back", "No"))


def buttons_of(job: Job, verdict: Verdict | None) -> list[Block]:
    """Stop a job that is not over, or undo it; ``verdict`` is its final one."""
    if job.state is not JobState.FINISHED:
        return [actions([_stop_button(job)])]
    undone = job.undone
    if job.way_back and verdict is not None and (job.is_removal or not verdict.good):
        return [actions([_stack_back_button(job)])]
    if paused := _to_be_rolled_back(job):
        return [
            actions([_roll_back_button(job, each)], f"job:{job.id}/{number}")
            for number, each in enumerate(paused)
        ]
    fitting = verdict is not None and not verdict.good and verdict is not Verdict.SUPERSEDED
    if fitting and undone:
        return [actions([_scale_back_button(job, undone)])]
    return _update_back(job)


def _update_back(job: Job) -> list[Block]:
    """The buttons that undo an update, also of one that went well; the worst services first."""
    if job.action != "update":
        return []
    changed = [
        (outcome.verdict.severity, target)
        for target, outcome in zip(job.targets, job.outcomes, strict=False)
        if target.changed and not target.restarts
        if outcome and outcome.verdict not in _ALREADY_BACK
    ]
    worst = sorted(changed, key=lambda each: -each[0])[:MOST_BUTTONS]
    return [
        actions([_roll_back_button(job, target)], f"job:{job.id}/{number}")
        for number, (_, target) in enumerate(worst)
    ]


def _stop_button(job: Job) -> Block:
    text = "Changes already made stay. The message then offers to scale back."
    if job.action in ACTIONS or job.plan or job.action == "update":
        text = "The swarm continues; only this message stops updating."
    if job.is_removal:
        text = "What is removed stays removed. The message then says what is left."
    if job.state is JobState.QUEUED:
        text = "The job leaves the queue. Nothing was changed yet."
    elif job.action == ONE_OFF:
        question = confirm("Stop it?", "The container is stopped.", "Stop", "Let it run")
        return button("job.cancel", "Stop", job.id, question)
    question = confirm("Stop waiting?", text, "Stop waiting", "Keep waiting")
    return button("job.cancel", "Stop waiting", job.id, question)


def _to_be_rolled_back(job: Job) -> list[Target]:
    """The services with a paused update that can be rolled back: one, or a few of a deploy."""
    found = [
        (outcome.verdict.severity, target)
        for target, outcome in zip(job.targets, job.outcomes, strict=False)
        if outcome and outcome.can_roll_back and is_service_name(target.service)
    ]
    worst = [target for _, target in sorted(found, key=lambda each: -each[0])]
    return worst[:MOST_BUTTONS] if job.plan or len(found) == 1 else []


def _roll_back_button(job: Job, target: Target) -> Block:
    former = "its previous version"
    if job.action == "update" and target.image_before:
        former = read_image(target.image_before).unpinned
    text = plain(f"A new job brings {short(job, target)} back to {former}", 280) + "."
    question = confirm("Roll back?", text, "Roll back", "No")
    named = job.plan or len(job.targets) > 1
    label = f"Roll back {short(job, target)}" if named else "Roll back"
    return button("job.rollback", label, f"{SERVICE_VALUE}{target.service}", question)
