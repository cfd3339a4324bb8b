"""The active jobs and the last finished ones."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.jobs.model import Job, JobState
from bot.domain.text.message import Message
from bot.views import words
from bot.views.jobs.message import action_text, final_verdict
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.phone import INDENT, LINE, displayed, fitting, joined
from bot.views.slack.text import (
    Permalink,
    address,
    age,
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
LEAST_ACTION = 12
"""Characters of an action that are always shown."""
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
            *packed([*_active(active, most, more, now, where), *_recent(recent, past, now, where)]),
            context(hint),
        ]
        for most, past in COUNTS
    )
    blocks = next((each for each in told if fits(each)), [context(hint)])
    under_way = f"{plural(len(active) + more, 'job')} under way"
    return Message(f"{under_way}, {len(recent)} finished recently", tuple(blocks))


def _active(jobs: Sequence[Job], most: int, more: int, now: float, where: Permalink) -> list[str]:
    if not jobs:
        return ["*Under way:* none"]
    left = len(jobs[most:]) + more
    rest = [f"and {plural(left, 'more job')}"] if left else []
    return ["*Under way:*", *(_under_way(job, now, where) for job in jobs[:most]), *rest]


def _recent(jobs: Sequence[Job], most: int, now: float, where: Permalink) -> list[str]:
    if not jobs:
        return []
    return ["*Finished:*", *(_finished(job, now, where) for job in jobs[:most])]


def _under_way(job: Job, now: float, where: Permalink) -> str:
    """``🔄 k3f9ab scale worker01 5 · running 40 s``, with the person if there is room."""
    sign = (words.QUEUED if job.state is JobState.QUEUED else words.RUNNING).split()[0]
    since = age(max(now - job.created, 0.0))
    start = f"{sign} {_id(job, where)}"
    plain = _with_action(job, start, f"{job.state.value} {since}")
    return fitting(joined(plain, mention(job.user)), plain)


def _finished(job: Job, now: float, where: Permalink) -> str:
    """``✅ k3f9ab scale worker01 5 · converged``, and below it when, how long and who."""
    verdict = final_verdict(job)
    sign, word = words.VERDICTS[verdict].split(" ", 1) if verdict else ("", job.state.value)
    first = _with_action(job, f"{sign} {_id(job, where)}".strip(), word.lower())
    when = took = ""
    if job.finished is not None:
        when = f"{age(max(now - job.finished, 0.0))} ago"
        took = f"took {duration(max(job.finished - job.created, 0))}"
    below = joined("revised" * job.revised, when, took, mention(job.user))
    return f"{first}\n{INDENT}{below}"


def _with_action(job: Job, start: str, end: str) -> str:
    """The job in one line, with its action as it is typed: ``scale worker01 5``.

    The action is cut if the line does not fit.
    """
    text = action_text(job)
    text = text.replace(" to ", " ") if job.action == "scale" else text
    whole = joined(f"{start} {line(text, 200)}", end)
    room = len(text) - max(displayed(whole) - LINE, 0)
    return joined(f"{start} {line(text, max(room, LEAST_ACTION))}", end)


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
