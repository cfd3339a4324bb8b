"""A job's message, from queued to its verdict, and the mention in its thread.

A message that is too long is rendered again with less detail: first with fewer log lines and slots,
finally with the verdicts only. ``jobs ID`` shows it in full.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.image_change import short_digest
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.domain.swarm.image_name import read_image
from bot.domain.text.message import Block, Message, Metadata
from bot.views import words
from bot.views.jobs.buttons import buttons_of
from bot.views.jobs.overview import all_in_full, overviews
from bot.views.jobs.small_print import small_print
from bot.views.jobs.stack_removal import removal_renderings
from bot.views.jobs.target import at, count_words, is_removed, seen_count, short, shortened
from bot.views.slack.blocks import context, fits, header, joined, packed, section, size
from bot.views.slack.text import line, mention, plural

PROBATION_SECONDS = 60.0
MOST_LINES, MOST_LINES_IF_WELL = 12, 6
"""Lines of a job's message: its headline, text and small print, and one for all buttons."""
MOST_TEXT = 3000
MOST_NAMED = 4
"""Services of an update that its headline names."""
MOST_FORETOLD = 4500
"""Limit for the blocks, in bytes."""
WARNING = "⚠️"


def job_message(
    job: Job,
    now: float,
    ahead: int = 0,
    queued_behind: str = "",
    *,
    command: str = "/orochi",
    probation_seconds: float = PROBATION_SECONDS,
    home: str = "",
) -> Message:
    """The message of a job at ``now`` (Unix seconds).

    ``ahead`` is the number of jobs before a queued one, ``queued_behind`` the id of the job it
    waits for. ``probation_seconds`` is how long a provisional ``converged`` is watched, ``home``
    the stack of the job's channel.
    """
    top = [header(headline(job))]
    if job.state is JobState.QUEUED:
        what = "stack" if job.plan else "service" if job.services_at else "node"
        top.append(section(_waiting(ahead, queued_behind, what)))
    later = job.action == "update"  # what the next deploy does, after what has been done
    top += [] if later else _foretold(job)
    end = _foretold(job) if later else []
    end += [context(*joined(small_print(job, now, command, probation_seconds, home)))]
    end += buttons_of(job, final_verdict(job))
    most, middle = most_lines(job), list[Block]()
    for middle in renderings_of(job):
        if fits([*top, *middle, *end], most):
            break
    return Message(_fallback(job), (*top, *middle, *end), metadata(job))


def most_lines(job: Job) -> int:
    """The number of lines for the message: few if all is well, 0 for any number.

    A deploy has a line for each service while it changes. What is shown of a command's output is
    decided with the file that has the rest.
    """
    verdict = final_verdict(job)
    if job.action == ONE_OFF:
        return 0
    if verdict and not verdict.good:
        return MOST_LINES
    broken = any(words.is_broken(slot) for seen in job.progress if seen for slot in seen.slots)
    if job.state is JobState.RUNNING and (broken or (job.plan and not job.is_removal)):
        return MOST_LINES
    return MOST_LINES_IF_WELL


def renderings_of(job: Job, *, full: bool = False) -> Iterator[list[Block]]:
    """The services or the plan of a job, in decreasing detail; ``full``: every one of them."""
    if job.plan and job.is_removal:
        return removal_renderings(job, job.plan, full=full)
    return all_in_full(job) if full else overviews(job)


def _foretold(job: Job) -> list[Block]:
    """What the job is about to do, warnings alone once it is seen; the last ones may not fit.

    How to keep an image is said of an update that did not fail.
    """
    lines = [line(each, 600) for each in job.foretold]
    if job.action == "update":
        if job.verdict is not None and not job.verdict.good:
            return []
    else:
        if job.state is JobState.FINISHED or (job.is_removal and job.state is JobState.RUNNING):
            return []
        if any(job.progress):
            lines = [each for each in lines if each.startswith(WARNING)]
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
    if job.action in words.ACTIONS:
        return (
            f"{words.ACTIONS[job.action]} {', '.join(shortened(job, lane) for lane in job.lanes)}"
        )
    if job.plan and job.version:
        return f"roll back {job.target} to version {job.version}"
    if job.action == "update" and len(job.targets) > MOST_NAMED:
        return f"update {plural(len(job.targets), 'service')}"
    if job.action == "update":
        return (
            f"update {', '.join(f'{short(job, t)} to {_new_image(job, t)}' for t in job.targets)}"
        )
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
    if counted and reason.startswith(f". {counted.split()[1]} "):
        counted = ""  # the reason begins with it
    elif counted and outcome and outcome.verdict.good and _is_of_each(job):
        reason = ""
    return line(f"{headline(job)}{counted}{reason}", MOST_TEXT)


def _is_of_each(job: Job) -> bool:
    """Whether the combined outcome is what is said of each of several services."""
    return len(job.services_at) > 1 and len({*job.outcomes}) == 1


def _counted(job: Job) -> str:
    """How many tasks of all services run, "" unless that is known of each."""
    staying = [index for index in job.services_at if not is_removed(job, index)]
    counts = [seen for index in staying if (seen := seen_count(job, index))]
    if not counts or len(counts) < len(staying):
        return ""
    shown = [at(job.outcomes, index) or at(job.progress, index) for index in staying]
    running, desired = (sum(numbers) for numbers in zip(*counts, strict=True))
    whose = "services " if any(target.is_node for target in job.targets) else ""
    return f", {whose}{running}/{desired} {count_words([each for each in shown if each])}"


def _waiting(ahead: int, behind: str, what: str) -> str:
    which = f" behind job `{line(behind, 40)}`" if behind else ""
    if ahead > 0 or which:
        count = f", {plural(ahead, 'job')} ahead" if ahead > 0 else ""
        return f"In the queue{which}{count}. Jobs for one {what} run one at a time."
    return "Starts in a moment."


def _new_image(job: Job, target: Target) -> str:
    """The image that an update sets: only its tag if the rest stays; a digest if it was typed."""
    before, after = (read_image(each) for each in (target.image_before, target.image))
    if target.restarts:
        return f"the present login of {after.host or 'Docker Hub'}"
    tag = f":{after.tag}" if after.tag else ""
    is_typed = bool(after.digest) and after.digest in job.text
    if not is_typed and tag and before.untagged == after.untagged and before.tag == after.tag:
        return f"the newest {tag}"
    name = tag if before.untagged == after.untagged else f"{after.untagged}{tag}"
    return f"{name} {short_digest(target.image)}".strip() if is_typed or not name else name
