"""What the message of a deploy says of its services together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.domain.jobs.deploy_plan import Plan, PlanAction
from bot.domain.jobs.model import Job
from bot.domain.jobs.verdict import Verdict
from bot.views.jobs.target import at, count_words, is_failing, named, seen_count
from bot.views.slack.text import line, plural

MOST_NAMED = 3
_STOPPED = {Verdict.CANCELLED, Verdict.REFUSED}
ACTION_WORDS = {
    PlanAction.CREATE: "added",
    PlanAction.UPDATE: "changed",
    PlanAction.REMOVE: "to be removed",
    None: "unchanged",
}


def counts_of(plan: Plan) -> str:
    """How many services the plan changes, and how."""
    counts = Counter(change.action for change in plan.services)
    said = ", ".join(
        f"{counts[action]} {word}" for action, word in ACTION_WORDS.items() if counts[action]
    )
    return f"{plural(len(plan.services), 'service')}: {said}"


def steps_words(job: Job) -> str:
    """The number of applied steps, once the plan was started; "" before."""
    if job.plan is None or job.steps_made is None:
        return ""
    return f"{job.steps_made} of {plural(len(job.plan.steps), 'plan step')} done"


def shared_reason(job: Job) -> list[str]:
    """Why nothing of the plan was applied, if that is the same for all services."""
    outcomes = set(job.outcomes)
    outcome = next(iter(outcomes), None)
    if job.begun or outcome is None or len(outcomes) > 1 or len(job.outcomes) < len(job.targets):
        return []
    advice = [f"*Next:* {line(outcome.advice, 600)}"] if outcome.advice else []
    return [line(outcome.reason, 2000), *advice]


def is_unchanged(job: Job, index: int) -> bool:
    """Whether a deploy leaves the service as it is, and finds nothing wrong with it."""
    change = job.plan.service(job.targets[index].service) if job.plan else None
    outcome = at(job.outcomes, index)
    if outcome is None:
        fine = not is_failing(job, index)
    else:
        fine = outcome.verdict.good or outcome.verdict in _STOPPED
    return change is not None and change.action is None and fine


def unchanged_line(job: Job, indexes: Sequence[int]) -> str:
    """The unchanged services in one line, with the names of those that do not all run."""
    seen = [(index, seen_count(job, index)) for index in indexes]
    short = [(index, each) for index, each in seen if each and each[0] < each[1]]
    said = [
        f"{named(job, [index])} {running}/{desired} running"
        for index, (running, desired) in short[:MOST_NAMED]
    ]
    said += [f"{len(short) - MOST_NAMED} more not all running"] if len(short) > MOST_NAMED else []
    outcomes = [outcome for index in indexes if (outcome := at(job.outcomes, index))]
    if any(outcome.verdict is Verdict.CANCELLED for outcome in outcomes):
        said = ["no longer watched", *said]
    elif any(outcome.verdict is Verdict.REFUSED for outcome in outcomes):
        said = ["not watched"]
    elif not short and all(each for _, each in seen):
        shown = [outcome for outcome in outcomes if outcome.verdict.good]
        words = count_words(shown).partition(",")[0] if len(shown) == len(seen) else "running"
        said = [_all_words(words, [each[1] for _, each in seen if each])]
    return ": ".join(filter(None, [f"{len(indexes)} unchanged", ", ".join(said)]))


def _all_words(words: str, desired: Sequence[int]) -> str:
    """What all services do; those that want no tasks do not run."""
    empty = sum(not each for each in desired)
    if empty == len(desired):
        return "without tasks"
    return f"{len(desired) - empty} {words}, {empty} without tasks" if empty else f"all {words}"
