"""One job in detail, for the person who asked."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.jobs.model import Job, JobState
from bot.domain.text.message import Message
from bot.views.jobs.message import headline, renderings_of
from bot.views.jobs.stack import steps_words
from bot.views.jobs.target import short, shortened
from bot.views.slack.blocks import context, fits, header, packed
from bot.views.slack.text import (
    duration,
    line,
    link,
    mention,
    plural,
    quoted,
    slack_date,
    slack_time,
)

MOST_SERVICES = 12
NAME_LENGTH = 63
IMAGE_LENGTH = 250
MOST_TEXT = 3000


def job_detail_message(
    job: Job,
    now: float,
    url: str,
    *,
    version: int = 0,
    is_plan: bool = False,
    command: str = "/orochi",
) -> Message:
    """A job at ``now``; ``url`` is the address of its message, "" if unknown.

    ``version`` is the number that a deploy has in the stack's history, 0 without one. ``is_plan``
    says that the job is a plan, which waits for its confirmation.
    """
    title = f"📋 Plan: {headline(job).partition(': ')[2]}" if is_plan else headline(job)
    top = [header(title), *packed([*_about(job, version), *_course(job, is_plan=is_plan)])]
    end = [context(*_small_print(now, url, command))]
    made = ([*top, *middle, *end] for middle in renderings_of(job, full=True))
    blocks = next((each for each in made if fits(each)), [*top, *end])
    return Message(line(title, MOST_TEXT), tuple(blocks))


def _about(job: Job, version: int) -> Iterator[str]:
    yield f"Job `{line(job.id, 20)}` · {line(job.action, 20)}"
    if job.stack:
        number = f" · version {version} in `history`" if version else ""
        yield f"Stack {line(job.stack, NAME_LENGTH)}{number}"
    yield from _images(job)
    names = [shortened(job, job.targets[index].service) for index in job.services_at]
    if names:
        shown = ", ".join(line(each, NAME_LENGTH) for each in names[:MOST_SERVICES])
        left = len(names) - MOST_SERVICES
        more = f" and {left} more" if left > 0 else ""
        yield f"{'Service' if len(names) == 1 else plural(len(names), 'service')}: {shown}{more}"


def _images(job: Job) -> Iterator[str]:
    """The whole names of old and new images: in its message they have no registry."""
    changed = [target for target in job.targets if target.image != target.image_before]
    for target in changed[:MOST_SERVICES]:
        both = [quoted(each, IMAGE_LENGTH) for each in (target.image_before, target.image) if each]
        yield f"Image of {line(short(job, target), NAME_LENGTH)}: {' → '.join(both)}"


def _course(job: Job, *, is_plan: bool) -> Iterator[str]:
    asked = f"Asked by {mention(job.user)}" if job.user else "Begun by the service's label"
    made = slack_date(job.created)  # a plan becomes a job when it is confirmed
    yield asked if job.confirmed_by else f"{asked} {made}"
    if job.confirmed_by:
        yield f"Confirmed by {mention(job.confirmed_by)} {made}"
    if job.cancelled_by:
        yield f"Cancelled by {mention(job.cancelled_by)}"
    if is_plan:
        yield "Waits for *Confirm*"
    elif job.started is not None:
        waited = max(job.started - job.created, 0)
        yield f"Started {slack_date(job.started)}, after {duration(waited)}"
    elif job.state is JobState.QUEUED:
        yield "Waits in the queue"
    if steps := steps_words(job):
        yield steps
    if job.attempt > 1:
        yield f"Taken over by another replica: attempt {job.attempt}"
    if job.finished is not None:
        took = duration(max(job.finished - job.created, 0))
        yield f"Ended {slack_date(job.finished)}, took {took}"
    if job.revised:
        yield "*Revised:* a task failed after it had converged"


def _small_print(now: float, url: str, command: str) -> Iterator[str]:
    if url:
        yield link(url, "Its message")
    yield f"As of {slack_time(now)} · `{line(command, 30)} jobs` lists all"
