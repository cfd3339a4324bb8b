"""The services of a running deploy: problems first, then services in progress, then the rest.

If it is too long, fewer services are shown in full; the ones that do not fit are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.domain.jobs.deploy_plan import Plan, PlanAction
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.domain.text.message import Block
from bot.views import words
from bot.views.jobs.target import DETAILS, TargetDetail, at, bar_of, short, target_blocks
from bot.views.slack.blocks import packed, section
from bot.views.slack.text import line, plural

MOST_IN_FULL = 8
MOST_CHARACTERS = 6000
"""Maximum characters of one-line services, when nothing else is shown."""
ACTION_WORDS = {
    PlanAction.CREATE: "added",
    PlanAction.UPDATE: "changed",
    PlanAction.REMOVE: "to be removed",
    None: "unchanged",
}


def stack_renderings(job: Job) -> Iterator[list[Block]]:
    """All services of a deploy, in decreasing detail; the last rendering always fits."""
    top = section(_counted(job))
    if job.state is JobState.QUEUED:
        yield [top]
        return
    if shared := _shared(job):
        yield [top, section(shared)]
        return
    order = sorted(
        range(len(job.targets)),
        key=lambda index: (_rank(job, index), not _is_changed(job, index), index),
    )
    if len(order) <= MOST_IN_FULL:
        told = [i for i in order if _is_changed(job, i) or not _rank(job, i)]
        rest = [_one_line(job, index) for index in order if index not in told]
        yield [top, *_in_full(job, told, DETAILS[0]), *packed(rest)]
    for detail in DETAILS:
        wrong = [index for index in order if _rank(job, index) == 0]
        lines = [_one_line(job, index) for index in order if _rank(job, index)]
        yield [top, *_in_full(job, wrong, detail), *packed(lines)]
    yield [top, *packed(list(_short_list(job, order)))]


def _shared(job: Job) -> str:
    """The reason why nothing of the plan was applied, if it is one for all services."""
    outcomes = set(job.outcomes)
    outcome = next(iter(outcomes), None)
    if job.begun or outcome is None or len(outcomes) > 1 or len(job.outcomes) < len(job.targets):
        return ""
    advice = f"\n*Next:* {line(outcome.advice, 600)}" if outcome.advice else ""
    return f"{line(outcome.reason, 2000)}{advice}"


def _is_changed(job: Job, index: int) -> bool:
    change = job.plan.service(job.targets[index].service) if job.plan else None
    return change is None or change.action is not None


def steps_line(job: Job, plan: Plan) -> str:
    """The number of applied steps, once the plan was started; "" before."""
    if job.steps_made is None:
        return ""
    return f"{job.steps_made} of {plural(len(plan.steps), 'plan step')} done"


def _in_full(job: Job, indexes: list[int], detail: TargetDetail) -> list[Block]:
    return [block for index in indexes for block in target_blocks(job, index, detail)]


def _rank(job: Job, index: int) -> int:
    outcome = at(job.outcomes, index)
    if outcome is None:
        return 1
    return 2 if outcome.verdict.good else 0


def _one_line(job: Job, index: int) -> str:
    outcome, progress = at(job.outcomes, index), at(job.progress, index)
    name = f"*{line(short(job, job.targets[index]), 63)}*"
    shown = bar_of(job, index)
    if outcome:
        return f"{words.VERDICTS[outcome.verdict]} · {name}{shown} {_action_text(job, index)}"
    phase = f" · {line(progress.phase, 100)}" if progress else ""
    return f"{words.RUNNING} · {name}{shown} {_action_text(job, index)}{phase}"


def _short_list(job: Job, order: list[int]) -> Iterator[str]:
    room = MOST_CHARACTERS
    for place, index in enumerate(order):
        told = _one_line(job, index)
        room -= len(told.encode()) + 1
        if room < 0:
            yield f"and {plural(len(order) - place, 'more service')}: {_rest(job, order[place:])}"
            return
        yield told


def _rest(job: Job, indexes: list[int]) -> str:
    counts = Counter(_rank(job, index) for index in indexes)
    said = {0: "unsuccessful", 1: "under way", 2: "healthy"}
    return ", ".join(f"{counts[rank]} {word}" for rank, word in said.items() if counts[rank])


def _action_text(job: Job, index: int) -> str:
    change = job.plan.service(job.targets[index].service) if job.plan else None
    action = change.action if change else None
    outcome = at(job.outcomes, index)
    if action is PlanAction.REMOVE and outcome:
        return "removed" if outcome.verdict is Verdict.CONVERGED else "not removed"
    return ACTION_WORDS[action]


def _counted(job: Job) -> str:
    plan = job.plan
    if plan is None:
        return "-"
    counts = Counter(change.action for change in plan.services)
    said = ", ".join(
        f"{counts[action]} {word}" for action, word in ACTION_WORDS.items() if counts[action]
    )
    steps = steps_line(job, plan)
    return f"{plural(len(plan.services), 'service')}: {said}{f' · {steps}' if steps else ''}"
