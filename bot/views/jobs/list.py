"""The active jobs and the last finished ones."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.jobs.model import Job
from bot.domain.text.message import Message
from bot.views import words
from bot.views.jobs.message import action_text, final_verdict
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.text import (
    Permalink,
    address,
    duration,
    id_link,
    line,
    mention,
    plural,
    slack_date,
    slack_time,
    unlinked,
)

MOST_ACTIVE = 20
COUNTS = ((MOST_ACTIVE, 10), (10, 5), (3, 3))
"""Active and finished jobs that are shown; the first that fits is used."""


def jobs_message(
    active: Sequence[Job],
    recent: Sequence[Job],
    now: float,
    *,
    more: int = 0,
    command: str = "/orochi",
    where: Permalink = unlinked,
) -> Message:
    """Active jobs, oldest first, then finished ones, newest first.

    ``more`` counts the active jobs that are not in ``active``. Ids are links to the jobs' messages.
    """
    if not active and not recent:
        text = f"No jobs yet. `{line(command, 30)} scale SERVICE 5` starts one."
        return Message(text, tuple(packed([text])))
    typed = line(command, 30)
    hint = (
        f"As of {slack_time(now)} · `{typed} jobs JOB` shows one, `{typed} cancel JOB` cancels it"
    )
    told = (
        [
            *packed([*_active(active, most, more, where), *_recent(recent, past, where)]),
            context(hint),
        ]
        for most, past in COUNTS
    )
    blocks = next((each for each in told if fits(each)), [context(hint)])
    under_way = f"{plural(len(active) + more, 'job')} under way"
    return Message(f"{under_way}, {len(recent)} finished recently", tuple(blocks))


def _active(jobs: Sequence[Job], most: int, more: int, where: Permalink) -> list[str]:
    if not jobs:
        return ["*Under way:* none"]
    left = len(jobs[most:]) + more
    rest = [f"and {plural(left, 'more job')}"] if left else []
    return ["*Under way:*", *(job_line(job, where) for job in jobs[:most]), *rest]


def _recent(jobs: Sequence[Job], most: int, where: Permalink) -> list[str]:
    if not jobs:
        return []
    return ["*Finished:*", *(finished_line(job, where) for job in jobs[:most])]


def finished_line(job: Job, where: Permalink = unlinked) -> str:
    """One line for a finished job."""
    verdict = final_verdict(job)
    word = words.VERDICTS[verdict] if verdict else job.state.value
    revised = " (revised)" if job.revised else ""
    when = ""
    if job.finished is not None:
        took = duration(max(job.finished - job.created, 0))
        when = f" · {slack_date(job.finished)}, took {took}"
    asked = mention(job.user)
    return f"{_id(job, where)} {line(action_text(job), 200)} · {word}{revised} · {asked}{when}"


def job_line(job: Job, where: Permalink = unlinked) -> str:
    """One line for an active job."""
    asked = f"{mention(job.user)}, {slack_date(job.created)}"
    return f"{_id(job, where)} {line(action_text(job), 200)} · {job.state.value} · {asked}"


def _id(job: Job, where: Permalink) -> str:
    return id_link(job.id, address(where, job))
