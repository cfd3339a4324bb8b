"""A job's message, from queued to its verdict, and the mention in its thread.

A message that is too long for Slack is rendered again with less detail: first with fewer log lines
and slots, finally with the verdicts only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from bot.domain.commands.names import SERVICE_VALUE, is_service_name
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.image_change import short_digest
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.domain.swarm.image_name import read_image
from bot.domain.text.message import Block, Message, Metadata
from bot.views import words
from bot.views.jobs.buttons import scale_back_button, stack_back_button
from bot.views.jobs.stack import stack_renderings
from bot.views.jobs.stack_removal import removal_renderings
from bot.views.jobs.target import (
    at,
    count_words,
    is_removed,
    renderings,
    seen_count,
    short,
    shortened,
)
from bot.views.slack.blocks import (
    actions,
    button,
    confirm,
    context,
    fits,
    header,
    packed,
    section,
    size,
)
from bot.views.slack.text import (
    duration,
    line,
    link,
    mention,
    plain,
    plural,
    quoted,
    slack_date,
    slack_time,
)

PROBATION_SECONDS = 60.0
NAME_LENGTH = 63
MOST_TEXT = 3000
MOST_BUTTONS = 3
MOST_NAMED = 4
"""Services of an update that its headline names."""
MOST_FORETOLD = 4500
"""Limit for the blocks, in bytes."""
ACTION_WORDS = {
    "restart": "restart",
    "resume": "resume",
    "rollback": "roll back",
    "drain": "drain",
    "activate": "activate",
}
"""The words for actions on a service or a node that have no further parameters."""

_ALREADY_BACK = {Verdict.ROLLED_BACK, Verdict.SUPERSEDED}

T = TypeVar("T")


def job_message(
    job: Job,
    now: float,
    ahead: int = 0,
    queued_behind: str = "",
    *,
    command: str = "/orochi",
    probation_seconds: float = PROBATION_SECONDS,
) -> Message:
    """The message of a job at ``now`` (Unix seconds).

    ``ahead`` is the number of jobs before a queued one, ``queued_behind`` the id of the job it
    waits for. ``probation_seconds`` is how long a provisional ``converged`` is watched.
    """
    top = [header(headline(job))]
    if job.state is JobState.QUEUED:
        what = "stack" if job.plan else "service" if job.services_at else "node"
        top.append(section(_waiting(ahead, queued_behind, what)))
    later = job.action == "update"  # what the next deploy does, after what has been done
    if job.state is not JobState.FINISHED and not later:
        top += _foretold(job)
    end = _foretold(job) if later else []
    end += [context(*_small_print(job, now, command, probation_seconds)), *_buttons(job)]
    middle: list[Block] = []
    for middle in renderings_of(job):
        if fits([*top, *middle, *end]):
            break
    blocks = [*top, *middle, *end]
    return Message(_fallback(job), tuple(blocks), metadata(job))


def renderings_of(job: Job) -> Iterator[list[Block]]:
    """The services or the plan of a job, in decreasing detail."""
    if job.plan and job.is_removal:
        return removal_renderings(job, job.plan)
    return stack_renderings(job) if job.plan else renderings(job)


def _foretold(job: Job) -> list[Block]:
    """What the job is about to do; if too long, the last sentences are left out."""
    lines = [line(each, 600) for each in job.foretold]
    while len(lines) > 1 and size(packed(lines)) > MOST_FORETOLD:
        lines = [*lines[:-2], "…"]
    return packed(lines)


def thread_mention(job: Job) -> Message:
    """The text for a finished job's thread, which notifies the user of the verdict."""
    verdict = final_verdict(job)
    said = words.word(verdict) if verdict else "still under way"
    text = f"{mention(job.user)} {line(action_text(job), 300)}: *{said}*."
    if job.revised:
        text = f"{mention(job.user)} Correction: {line(action_text(job), 300)}: *{said}*."
    outcome = job.outcome
    reason = line(outcome.reason, 600) if outcome and not outcome.verdict.good else ""
    told = Metadata(
        "swarm_mention", {"mention_of": job.id, "mentioned": verdict.value if verdict else None}
    )
    return Message(f"{text} {reason}".rstrip(), metadata=told)


def unbegun_metadata(job_id: str) -> Metadata:
    """The metadata of a message whose job never began."""
    words = {"action": "", "target": "", "state": "finished", "verdict": Verdict.REFUSED.value}
    numbers = {"cause": None, "running": 0, "desired": 0}
    return Metadata("swarm_job", {"job_id": job_id, **words, **numbers})


def metadata(job: Job) -> Metadata:
    """The metadata for other programs: the event ``swarm_job``."""
    verdict, outcome = final_verdict(job), job.outcome
    cause = outcome.cause if outcome and verdict else None
    counts = [_reported(job, index) for index in job.services_at]
    return Metadata(
        "swarm_job",
        {
            "job_id": job.id,
            "action": job.action,
            "target": job.target,
            "state": job.state.value,
            "verdict": verdict.value if verdict else None,
            "cause": cause.kind.value if cause else None,
            "running": sum(running for running, _ in counts),
            "desired": sum(desired for _, desired in counts),
        },
    )


def _reported(job: Job, index: int) -> tuple[int, int]:
    """The counts of one service for programs: 0 of the requested number before the first look."""
    ended = at(job.outcomes, index) is not None
    return seen_count(job, index) or (0, 0 if ended else job.targets[index].replicas)


def final_verdict(job: Job) -> Verdict | None:
    """The job's verdict, None until it is finished.

    A job that ended before every service had a verdict was cancelled, or failed.
    """
    if job.state is not JobState.FINISHED:
        return None
    unfinished = Verdict.CANCELLED if job.cancelled_by else Verdict.FAILED
    return job.verdict or unfinished


def action_text(job: Job) -> str:
    """The requested action in a few words, unescaped: ``scale worker01 to 5``."""
    if job.unreadable or job.action == ONE_OFF:
        return job.text
    if job.action in ACTION_WORDS:
        return f"{ACTION_WORDS[job.action]} {', '.join(shortened(job, lane) for lane in job.lanes)}"
    if job.plan and job.version:
        return f"roll back {job.target} to version {job.version}"
    if job.action == "update" and len(job.targets) > MOST_NAMED:
        return f"update {plural(len(job.targets), 'service')}"
    if job.action == "update":
        return f"update {', '.join(f'{short(job, t)} to {_new_image(t)}' for t in job.targets)}"
    if job.action != "scale":
        return f"{job.action} {job.target}"
    each = [f"{short(job, target)} to {target.replicas}" for target in job.targets]
    return f"{job.action} {', '.join(each)}"


def headline(job: Job) -> str:
    """The message in one line, unescaped: sign, state, requested action."""
    verdict = final_verdict(job)
    if verdict is None:
        word = words.QUEUED if job.state is JobState.QUEUED else words.RUNNING
        return f"{word}: {action_text(job)}"
    word = words.VERDICTS[verdict]
    if job.revised:
        word = f"{word} (revised)"
    many = len(job.targets) > 1 and not job.is_removal
    if many and not verdict.good and (good := _how_many_good(job)):
        return f"{word}: {good}, {action_text(job)}"
    return f"{word}: {action_text(job)}"


def _how_many_good(job: Job) -> str:
    """The number of successful services, "" if there are none or if it is all of them."""
    outcomes = [at(job.outcomes, index) for index in job.services_at]
    good = sum(1 for outcome in outcomes if outcome and outcome.verdict.good)
    some = 0 < good < len(outcomes)
    return f"{good} of {plural(len(outcomes), 'service')} succeeded" if some else ""


def _fallback(job: Job) -> str:
    outcome = job.outcome if final_verdict(job) else None
    reason = f". {outcome.reason}" if outcome else ""
    unknown = (
        job.state is JobState.QUEUED
        or job.action == ONE_OFF
        or job.is_removal
        or (job.plan is not None and not job.begun)
    )
    counted = "" if unknown else _counted(job)
    return line(f"{headline(job)}{counted}{reason}", MOST_TEXT)


def _counted(job: Job) -> str:
    """How many tasks of all services run, "" unless that is known of each."""
    staying = [index for index in job.services_at if not is_removed(job, index)]
    counts = [seen for index in staying if (seen := seen_count(job, index))]
    if not counts or len(counts) < len(staying):
        return ""
    shown = [at(job.outcomes, index) or at(job.progress, index) for index in staying]
    running, desired = (sum(numbers) for numbers in zip(*counts, strict=True))
    return f", {running}/{desired} {count_words([each for each in shown if each])}"


def _waiting(ahead: int, behind: str, what: str) -> str:
    which = f" behind job `{line(behind, 40)}`" if behind else ""
    if ahead > 0 or which:
        count = f", {plural(ahead, 'job')} ahead" if ahead > 0 else ""
        return f"In the queue{which}{count}. Jobs for one {what} run one at a time."
    return "Starts in a moment."


def _small_print(job: Job, now: float, command: str, probation_seconds: float) -> list[str]:
    asker = f"Asked by {mention(job.user)}" if job.user else "Begun by the service's label"
    asked = f"{asker} · job `{line(job.id, 20)}`"
    stack = f" · stack {line(job.stack, 63)}" if job.stack else ""
    said = [f"{asked}{stack} · {_when(job, now)}"]
    said += [_probation_words(job, probation_seconds), _revision_words(job)]
    if job.timeline:
        said.append(f"{link(job.timeline, 'Timeline')} of its slots")
    if job.confirmed_by:
        said.append(f"Confirmed by {mention(job.confirmed_by)}")
    if job.cancelled_by:
        said.append(f"Cancelled by {mention(job.cancelled_by)}")
    before = [_before(job, target) for target in job.targets if target.was_other]
    if before and job.state is not JobState.QUEUED:
        said.append(line(f"Before: {', '.join(before)}", 300))
    said += [_images(target) for target in job.targets if target.image != target.image_before]
    if job.state is JobState.FINISHED and not job.verdict:
        said.append(f"`{line(command, 30)} status` shows what runs now.")
    return [each for each in said if each]


def _when(job: Job, now: float) -> str:
    if job.finished is not None:
        return f"took {duration(job.finished - job.created)}, ended {slack_date(job.finished)}"
    return f"asked {slack_date(job.created)}, as of {slack_time(now)}"


def _probation_words(job: Job, probation_seconds: float) -> str:
    if job.state is not JobState.FINISHED:
        return ""
    if any(outcome and outcome.provisional for outcome in job.outcomes):
        watching = f"Watching for {duration(probation_seconds)} more"
        return f"{watching}; the verdict changes if it does not stay up"
    if job.watched_until is not None and not job.revised and job.verdict is Verdict.CONVERGED:
        return f"Watched until {slack_date(job.watched_until)}"
    return ""


def _revision_words(job: Job) -> str:
    if not job.revised:
        return ""
    return "*Revised:* a task failed after it had converged"


def _before(job: Job, target: Target) -> str:
    name = f"{short(job, target)} " if len(job.targets) > 1 else ""
    return f"{name}{plural(target.before or 0, 'replica')}"


def _new_image(target: Target) -> str:
    """The image that an update sets: only its tag if the rest stays."""
    before, after = (read_image(each) for each in (target.image_before, target.image))
    if target.restarts:
        return f"the present login of {after.host or 'Docker Hub'}"
    if before.untagged != after.untagged:
        return after.unpinned
    if before.tag == after.tag and after.tag:
        return f"the newest :{after.tag}"
    return f":{after.tag}" if after.tag else short_digest(target.image)


def _images(target: Target) -> str:
    return f"Image: {image_change(target)}"


def image_change(target: Target) -> str:
    """The old and the new image of a rollback or an update.

    The old one is not known before a rollback begins. Digests tell apart what has one name.
    """
    if target.image_before == target.image:
        return quoted(read_image(target.image).unpinned, 150)
    both = (target.image_before, target.image)
    names = [read_image(each).unpinned for each in both]
    if names[0] == names[1]:
        names = [" ".join(filter(None, [names[0], short_digest(each)])) for each in both]
    before, after = (quoted(each, 150) for each in names)
    return f"{before} → {after}" if target.image_before else after


def _buttons(job: Job) -> list[Block]:
    if job.state is not JobState.FINISHED:
        return [actions([_stop_button(job)])]
    verdict, undone = final_verdict(job), job.undone
    if job.way_back and verdict is not None and (job.is_removal or not verdict.good):
        return [actions([stack_back_button(job)])]
    if paused := _to_be_rolled_back(job):
        return [
            actions([_roll_back_button(job, each)], f"job:{job.id}/{number}")
            for number, each in enumerate(paused)
        ]
    fitting = verdict is not None and not verdict.good and verdict is not Verdict.SUPERSEDED
    if fitting and undone:
        return [actions([scale_back_button(job, undone)])]
    return _update_back(job)


def _update_back(job: Job) -> list[Block]:
    """The buttons that undo an update, also of one that went well."""
    if job.action != "update":
        return []
    changed = [
        target
        for target, outcome in zip(job.targets, job.outcomes, strict=False)
        if target.changed and not target.restarts
        if outcome and outcome.verdict not in _ALREADY_BACK
    ]
    return [
        actions([_roll_back_button(job, target)], f"job:{job.id}/{number}")
        for number, target in enumerate(changed[:MOST_BUTTONS])
    ]


def _stop_button(job: Job) -> Block:
    text = "Changes already made stay. The message then offers to scale back."
    if job.action in ACTION_WORDS or job.plan or job.action == "update":
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
        target
        for target, outcome in zip(job.targets, job.outcomes, strict=False)
        if outcome and outcome.can_roll_back and is_service_name(target.service)
    ]
    return found[:MOST_BUTTONS] if job.plan or len(found) == 1 else []


def _roll_back_button(job: Job, target: Target) -> Block:
    former = "its previous version"
    if job.action == "update" and target.image_before:
        former = read_image(target.image_before).unpinned
    text = plain(f"A new job brings {short(job, target)} back to {former}", 280) + "."
    question = confirm("Roll back?", text, "Roll back", "No")
    named = job.plan or len(job.targets) > 1
    label = f"Roll back {short(job, target)}" if named else "Roll back"
    return button("job.rollback", label, f"{SERVICE_VALUE}{target.service}", question)
