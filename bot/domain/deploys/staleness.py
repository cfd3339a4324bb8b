"""Compares a confirmed plan with a new recording: what is done, still to do, or out of date.

Pure. Both plans must be made with the same key. Specs are compared, not version indexes, which a
restarting manager raises although nothing changed. Each step of the confirmed plan is one of:

- ``DONE``: the object is in the desired state (for a removal: it no longer exists);
- ``TO_DO``: the object is as it was when the plan was made, and the recording would change it in
  the same way;
- ``STALE``: anything else, with a sentence that says what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.domain.commands.names import short_name
from bot.domain.jobs.deploy_plan import Difference, Kind, Plan, PlanAction, PlanStep, ServiceChange

MOST_FIELDS = 3


class StepStanding(Enum):
    """The state of a step relative to the time of its confirmation."""

    DONE = "done"
    TO_DO = "to do"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Judged:
    """A confirmed step and its state; ``why`` is a sentence for a stale one."""

    step: PlanStep
    standing: StepStanding
    why: str = ""


def judge(confirmed: Plan, recorded: Plan) -> tuple[Judged, ...]:
    """The state of each step of a confirmed plan, in the plan's order."""
    fresh = {step.key: step for step in recorded.steps}
    return tuple(
        _service(step, confirmed, recorded, fresh.get(step.key))
        if step.kind is Kind.SERVICE
        else _other(step, fresh.get(step.key))
        for step in confirmed.steps
    )


def stale(confirmed: Plan, recorded: Plan) -> tuple[str, ...]:
    """The reasons why a confirmed plan cannot be applied, one sentence each; () if it can.

    This includes changes in the recording that are not in the plan: somebody has changed the file,
    or a service that the plan leaves unchanged.
    """
    if changed := tuple(_changed_files(confirmed, recorded)):
        return changed
    known = {step.key for step in confirmed.steps}
    beyond = [step for step in recorded.steps if step.key not in known]
    return (
        *(judged.why for judged in judge(confirmed, recorded) if judged.why),
        *(_beyond(step, confirmed, recorded) for step in beyond),
    )


def _changed_files(confirmed: Plan, recorded: Plan) -> Iterator[str]:
    """The configs and secrets that would be made from other content; all else follows from that."""
    then, now = ({*each.files.items()} for each in (confirmed, recorded))
    entries = {entry for _, entry in then} & {entry for _, entry in now}
    for key, entry in sorted(now - then):
        if entry and entry in entries:
            kind, name = key.partition("/")[0], short_name(confirmed.stack, entry)
            yield f"The {kind} {name} changed since the plan was made, in its file or in the swarm."


def what_changed(name: str, differences: Sequence[Difference]) -> str:
    """A sentence on how a service was changed since the plan was made."""
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
    """What changed in a service, or in its desired state."""
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
        return f"{step.name} would be removed: it is no longer in the stack's file."
    differing = _between(then, now, "new")
    if pushed := _pushed(differing):
        newer = f"the registry has a newer image for {pushed} than when the plan was made."
        return f"{step.name}: {newer}"
    wanted = what_changed(step.name, differing).removeprefix(step.name)
    return f"The definition of {step.name} in the stack's file or variables{wanted}"


def _pushed(differences: Sequence[Difference]) -> str:
    """The image whose digest alone differs: its tag was pushed again. "" for other changes."""
    images = [(each.old.partition("@"), each.new.partition("@")) for each in differences]
    same = [old[0] for old, new in images if old[0] == new[0] and old[2] and new[2]]
    return same[0] if len(same) == len(images) == 1 and differences[0].field == "image" else ""


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
    """The state of a network, config or secret: if the recording does not create it, it exists."""
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
