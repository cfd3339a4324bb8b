"""A confirmed plan beside a fresh recording: what is done, what is to be done, what is stale.

Pure. Both plans have to be made with the same key. Specs are compared, not version indexes, which
a manager that restarts raises though nothing changed. For each step of the confirmed plan:

- ``DONE``: the object is as it shall be (for a removal: there is none any more);
- ``TO_DO``: the object is as the plan found it, and the recording would make the same of it;
- ``STALE``: anything else, with a sentence that says what changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.domain.jobs.deploy_plan import Difference, Kind, Plan, PlanAction, PlanStep, ServiceChange

MOST_FIELDS = 3


class StepStanding(Enum):
    """What has become of a step since it was confirmed."""

    DONE = "done"
    TO_DO = "to do"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Judged:
    """A confirmed step and where it stands; ``why`` is a sentence for one that is stale."""

    step: PlanStep
    standing: StepStanding
    why: str = ""


def judge(confirmed: Plan, recorded: Plan) -> tuple[Judged, ...]:
    """Where each step of a confirmed plan stands, in the plan's order."""
    fresh = {step.key: step for step in recorded.steps}
    return tuple(
        _service(step, confirmed, recorded, fresh.get(step.key))
        if step.kind is Kind.SERVICE
        else _other(step, fresh.get(step.key))
        for step in confirmed.steps
    )


def stale(confirmed: Plan, recorded: Plan) -> tuple[str, ...]:
    """What keeps a confirmed plan from being made, a sentence for each; () when nothing does.

    Also what the recording would do beyond the plan: somebody changed a service meanwhile that
    was to stay as it is, or the file.
    """
    known = {step.key for step in confirmed.steps}
    beyond = [step for step in recorded.steps if step.key not in known]
    return (
        *(judged.why for judged in judge(confirmed, recorded) if judged.why),
        *(_beyond(step, confirmed, recorded) for step in beyond),
    )


def what_changed(name: str, differences: Sequence[Difference]) -> str:
    """One sentence on what somebody changed of a service since the plan was made."""
    told = [f"{each.field} {_text(each.old)} → {_text(each.new)}" for each in differences]
    more = len(told) - MOST_FIELDS
    fields = "; ".join(told[:MOST_FIELDS]) + (f"; and {more} more" if more > 0 else "")
    return f"{name} changed since the plan was made{f': {fields}' if fields else ''}."


def _service(step: PlanStep, confirmed: Plan, recorded: Plan, fresh: PlanStep | None) -> Judged:
    now = recorded.service(step.name)
    base = now.base if now else ""
    if base == step.wanted:
        return Judged(step, StepStanding.DONE)
    if base == step.base and fresh and (fresh.action, fresh.wanted) == (step.action, step.wanted):
        return Judged(step, StepStanding.TO_DO)
    return Judged(step, StepStanding.STALE, _why(step, confirmed.service(step.name), now))


def _why(step: PlanStep, then: ServiceChange | None, now: ServiceChange | None) -> str:
    """What changed of a service, or of what shall become of it."""
    base = now.base if now else ""
    if now is None or (not base and step.base):
        return f"{step.name} was removed since the plan was made."
    if base and not step.base:
        return f"{step.name} was created by someone else since the plan was made."
    if base != step.base:
        return what_changed(step.name, _between(then, now, "old"))
    if step.action is PlanAction.REMOVE:
        return f"{step.name} would stay: the stack's file has it again."
    if now.action is PlanAction.REMOVE:
        return f"{step.name} would be removed: it is not in the stack's file any more."
    wanted = what_changed(step.name, _between(then, now, "new")).removeprefix(step.name)
    return f"The definition of {step.name} in the stack's file or variables{wanted}"


def _between(
    then: ServiceChange | None, now: ServiceChange | None, side: str
) -> tuple[Difference, ...]:
    before, after = _side(then, side), _side(now, side)
    names = sorted(before.keys() | after.keys())
    found = (Difference(name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(each for each in found if each.changed)


def _side(change: ServiceChange | None, side: str) -> dict[str, str]:
    fields = change.fields if change else ()
    return {each.field: each.old if side == "old" else each.new for each in fields}


def _other(step: PlanStep, fresh: PlanStep | None) -> Judged:
    """A network, config or secret: not in the recording any more means that it is there."""
    if fresh is None or (step.action is PlanAction.CREATE and fresh.base == step.wanted):
        return Judged(step, StepStanding.DONE)
    same = (step.action, step.base, step.wanted, step.content)
    if same == (fresh.action, fresh.base, fresh.wanted, fresh.content):
        return Judged(step, StepStanding.TO_DO)
    return Judged(
        step,
        StepStanding.STALE,
        f"The {step.kind.value} {step.name} or its definition in the stack's file changed since "
        "the plan was made.",
    )


def _beyond(step: PlanStep, confirmed: Plan, recorded: Plan) -> str:
    then, now = confirmed.service(step.name), recorded.service(step.name)
    if then and now and then.base and not now.base:
        return f"{step.name} was removed since the plan was made."
    if then and now and then.base != now.base:
        return what_changed(step.name, _between(then, now, "old"))
    done = _DONE[step.action]
    return f"The {step.kind.value} {step.name} is not in the plan: now it would be {done}."


def _text(value: str) -> str:
    return value or "nothing"


_DONE = {PlanAction.CREATE: "created", PlanAction.UPDATE: "changed", PlanAction.REMOVE: "removed"}
