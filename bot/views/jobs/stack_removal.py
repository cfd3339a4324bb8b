"""The removal of a stack: its course and its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.model import Job, JobState
from bot.domain.operations.stack_removal import counted
from bot.domain.text.message import Block
from bot.views import words
from bot.views.jobs.target import at, named
from bot.views.slack.blocks import packed
from bot.views.slack.text import line, plural

COUNTS = (4, 2, 1, 0)
COUNTS_IN_FULL = (40, 20, 8, 0)
"""Services named in a line, and lines."""


def removal_summary(plan: Plan) -> str:
    """A sentence on what goes, and one on the volumes."""
    stay = plural(len(plan.volumes), "volume stays", "volumes stay")
    return f"To be removed: {counted(plan.steps)}.{f' {stay}.' if plan.volumes else ''}"


def removal_renderings(job: Job, plan: Plan, *, full: bool = False) -> Iterator[list[Block]]:
    """The stack's course or its end, in decreasing detail; the last rendering always fits."""
    counts = COUNTS_IN_FULL if full else COUNTS
    if job.state is JobState.QUEUED:
        yield packed([removal_summary(plan)])
    elif job.state is JobState.FINISHED:
        yield from (packed([*_end(job), *_services(job, most)]) for most in counts)
    else:
        rest = _rest(job)
        top = removal_summary(plan)
        yield from (packed([top, *_services(job, most), *rest]) for most in counts)


def _end(job: Job) -> list[str]:
    outcome = job.outcome
    if outcome is None:
        return []
    advice = [f"*Next:* {line(outcome.advice, 600)}"] if outcome.advice else []
    done = not job.untouched and (job.begun or outcome.verdict.good)
    back = [line(each, 600) for each in job.foretold if done]
    return [line(outcome.reason, 2000), *advice, *back]


def _services(job: Job, most: int) -> list[str]:
    """A line for services in the same state; none at an end that is good, or the same for all."""
    good = job.verdict is not None and job.verdict.good
    if good or (job.state is JobState.FINISHED and len({*job.outcomes}) == 1):
        return []
    equal: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in job.services_at:
        equal[_state(job, index)].append(index)
    groups = list(equal.items())
    lines = [f"{word} · {named(job, found, most)} {said}" for (word, said), found in groups[:most]]
    left = sum(len(found) for _, found in groups[most:])
    return [*lines, f"and {plural(left, 'more service')}"] if left else lines


def _state(job: Job, index: int) -> tuple[str, str]:
    outcome, progress = at(job.outcomes, index), at(job.progress, index)
    if outcome:
        return words.VERDICTS[outcome.verdict], line(outcome.reason, 200)
    waits = "removed" if job.targets[index].applied is not None else "to be removed"
    return words.RUNNING, line(progress.phase, 200) if progress else waits


def _rest(job: Job) -> list[str]:
    """What is known of the networks, configs and secrets."""
    if progress := at(job.progress, len(job.targets) - 1):
        return [f"{words.RUNNING} · {line(progress.phase, 400)}"]
    return []
