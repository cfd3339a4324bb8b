"""What waits for a confirmation: a deploy, a removal, or an update of all services."""

from __future__ import annotations

from bot.domain.deploys.decision import Decision
from bot.domain.jobs.model import Job, Target
from bot.domain.text.message import Message
from bot.views.jobs.images import image_change
from bot.views.jobs.plan import asking, closed_message, plan_message, summary
from bot.views.jobs.removal_plan import removal_proposal
from bot.views.jobs.stack_removal import removal_summary
from bot.views.jobs.target import short
from bot.views.slack.blocks import packed
from bot.views.slack.text import line, plural

COUNTS = (100, 40, 20, 8)
"""Services; the first number that fits is used."""


def proposal(job: Job, until: float) -> Message:
    """The message that asks for a confirmation until ``until`` (Unix seconds)."""
    if job.plan and job.is_removal:
        return removal_proposal(job, job.plan, until)
    if job.plan:
        return plan_message(job, job.plan, until)
    said = _summary(job)
    renderings = (packed(_lines(job, most)) for most in COUNTS)
    return asking(job, said, renderings, until, question=said)


def closed_proposal(job: Job, decision: Decision, user: str, command: str) -> Message:
    """The same message after it was cancelled, or not confirmed in time."""
    summed = removal_summary if job.is_removal else summary
    said = summed(job.plan) if job.plan else _summary(job)
    return closed_message(job, said, decision, user, command)


def _summary(job: Job) -> str:
    newer = sum("@" in target.image_before for target in job.targets)
    loose = len(job.targets) - newer
    parts = (
        [f"{plural(newer, 'service')} {'gets' if newer == 1 else 'get'} a newer image"]
        if newer
        else []
    )
    parts += (
        [f"{plural(loose, 'service')} {'is' if loose == 1 else 'are'} pinned to a digest"]
        if loose
        else []
    )
    whose = "its" if len(job.targets) == 1 else "their"
    return f"{', '.join(parts)}. All {whose} tasks are replaced."


def _lines(job: Job, most: int) -> list[str]:
    lines = [_line(job, target) for target in job.targets[:most]]
    left = len(job.targets) - most
    more = [f"and {plural(left, 'more service')}"] if left > 0 else []
    return [*lines, *more, *(line(each, 600) for each in job.foretold)]


def _line(job: Job, target: Target) -> str:
    return f"✏️ *{line(short(job, target), 63)}*: {image_change(target)}"
