"""The small print of a job's message: who asked, its id, how long it took."""

from __future__ import annotations

from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.views.jobs.stack import steps_words
from bot.views.slack.text import duration, line, link, mention, slack_date, slack_time

BY_LABEL = "Begun by the service's label"


def small_print(
    job: Job, now: float, command: str, probation_seconds: float, home: str
) -> list[str]:
    """Its parts. ``home`` is the stack of the job's channel, which need not be named."""
    good = job.verdict is not None and job.verdict.good
    said = [mention(job.user) if job.user else BY_LABEL, f"`{line(job.id, 20)}`"]
    if job.stack and job.stack != home and not job.plan and not _is_of_node(job):
        said.append(f"stack {line(job.stack, 63)}")
    said += [_when(job, now), "" if good or job.is_removal else steps_words(job)]
    said += [_probation_words(job, probation_seconds)]
    if job.revised:
        said.append("*Revised:* a task failed after it had converged")
    if job.confirmed_by and job.confirmed_by != job.user:
        said.append(f"confirmed by {mention(job.confirmed_by)}")
    if job.cancelled_by:
        said.append(f"cancelled by {mention(job.cancelled_by)}")
    if job.timeline:
        said.append(link(job.timeline, "Timeline"))
    if job.state is JobState.FINISHED and not job.verdict:
        said.append(f"`{line(command, 30)} status` shows what runs now")
    return [each for each in said if each]


def _is_of_node(job: Job) -> bool:
    return any(target.is_node for target in job.targets)


def _when(job: Job, now: float) -> str:
    if job.finished is not None:
        return f"took {duration(job.finished - job.created)}"
    return f"as of {slack_time(now)}"


def _probation_words(job: Job, probation_seconds: float) -> str:
    if job.state is not JobState.FINISHED:
        return ""
    bad = job.verdict is not None and not job.verdict.good
    if not bad and any(outcome and outcome.provisional for outcome in job.outcomes):
        return f"watching for {duration(probation_seconds)} more"
    if job.watched_until is not None and not job.revised and job.verdict is Verdict.CONVERGED:
        return f"watched until {slack_date(job.watched_until)}"
    return ""
