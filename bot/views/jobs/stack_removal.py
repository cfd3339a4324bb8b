"""The removal of a stack: its course and its end."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.model import Job, JobState
from bot.domain.operations.stack_removal import counted, rest_of
from bot.domain.text.message import Block
from bot.views import words
from bot.views.jobs.target import at, short
from bot.views.slack.blocks import packed
from bot.views.slack.text import line, plural

NAME_LENGTH = 63
COUNTS = (40, 20, 8, 0)
"""Services in full."""


def removal_summary(plan: Plan) -> str:
    """A sentence on what goes, and one on the volumes."""
    stay = plural(len(plan.volumes), "volume stays", "volumes stay")
    return f"To be removed: {counted(plan.steps)}.{f' {stay}.' if plan.volumes else ''}"


def removal_renderings(job: Job, plan: Plan) -> Iterator[list[Block]]:
    """The stack's course or its end, in decreasing detail; the last rendering always fits."""
    if job.state is JobState.QUEUED:
        yield packed([removal_summary(plan)])
    elif job.state is JobState.FINISHED:
        yield from (packed([*_end(job), *_services(job, most)]) for most in COUNTS)
    else:
        rest = _rest(job, plan)
        top = removal_summary(plan)
        yield from (packed([top, *_services(job, most), *rest]) for most in COUNTS)


def _end(job: Job) -> list[str]:
    outcome = job.outcome
    if outcome is None:
        return []
    advice = [f"*Next:* {line(outcome.advice, 600)}"] if outcome.advice else []
    done = not job.untouched and (job.begun or outcome.verdict.good)
    back = [line(each, 600) for each in job.foretold if done]
    return [line(outcome.reason, 2000), *advice, *back]


def _services(job: Job, most: int) -> list[str]:
    """A line for each service; none at an end that is good, or the same for all."""
    good = job.verdict is not None and job.verdict.good
    if good or (job.state is JobState.FINISHED and len({*job.outcomes}) == 1):
        return []
    shown = [_service(job, index) for index in job.services_at[:most]]
    left = len(job.services_at) - len(shown)
    return [*shown, f"and {plural(left, 'more service')}"] if left > 0 else shown


def _service(job: Job, index: int) -> str:
    target, outcome, progress = job.targets[index], at(job.outcomes, index), at(job.progress, index)
    name = f"*{line(short(job, target), NAME_LENGTH)}*"
    if outcome:
        return f"{words.VERDICTS[outcome.verdict]} · {name} {line(outcome.reason, 200)}"
    waits = "removed" if target.applied is not None else "to be removed"
    return f"{words.RUNNING} · {name} {line(progress.phase, 200) if progress else waits}"


def _rest(job: Job, plan: Plan) -> list[str]:
    """What is known of the networks, configs and secrets, or of the whole stack."""
    if progress := at(job.progress, len(job.targets) - 1):
        return [f"{words.RUNNING} · {line(progress.phase, 400)}"]
    rest = counted(rest_of(plan))
    return [f"{words.QUEUED} · {rest}"] if rest else []
