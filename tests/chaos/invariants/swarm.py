"""The swarm's objects, and the writes that made them what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bot.domain.jobs.deploy_plan import PlanAction
from bot.domain.jobs.model import Job, Target
from bot.swarm.wire import template_digest
from tests.chaos.recorded import Recorded, Spec, Update, Violation

AVAILABILITIES: Final = {"drain": "drain", "activate": "active"}
"""What a job on a node wants, by its action."""


def objects_are_as_wanted(recorded: Recorded) -> Iterator[Violation]:
    """Every service and node is as the last job of its lane wanted it."""
    for name, spec in recorded.services.items():
        made = list(_targets(recorded, name))
        yield from _as_wanted(name, "replicas", _replicas(spec), _wanted_replicas(made))
        yield from _as_wanted(name, "template", template_digest(spec), _wanted_templates(made))
    for name, availability in recorded.nodes.items():
        made = list(_targets(recorded, name))
        wanted = [(AVAILABILITIES[job.action], _is_certain(target)) for job, target in made]
        yield from _as_wanted(name, "availability", availability, wanted)


def updates_are_those_of_jobs(recorded: Recorded) -> Iterator[Violation]:
    """Every service and node was written as often as jobs say that they did."""
    written = Counter(update.name for update in recorded.updates)
    names = {target.service for job in recorded.jobs.values() for target in job.targets}
    for name in sorted(names | set(written)):
        made = list(_targets(recorded, name))
        least = sum(target.changed for _, target in made)
        most = least + sum(not _is_certain(target) for _, target in made)
        if not least <= written[name] <= most:
            allowed = f"{least}" if least == most else f"{least} to {most}"
            jobs = ", ".join(f"{job.id} ({job.text})" for job, each in made if each.changed)
            done = "; ".join(_change(each) for each in recorded.updates if each.name == name)
            text = f"{written[name]} writes, not {allowed}: {done}. Jobs: {jobs or 'none'}"
            yield Violation("updates are those of jobs", name, text)


def _targets(recorded: Recorded, name: str) -> Iterator[tuple[Job, Target]]:
    """What jobs may have done to an object, in the order of its lane.

    A job on a node only observes services.
    """
    jobs = (recorded.jobs.get(job_id) for job_id in recorded.order)
    for job in filter(None, jobs):
        for target in job.targets:
            mine = target.service == name and (target.is_node or job.action not in AVAILABILITIES)
            if mine and (target.begun or target.applied is not None):
                yield job, target


def _is_certain(target: Target) -> bool:
    """Whether the record says if the change was made."""
    return target.applied is not None or not target.begun


def _wanted_replicas(made: list[tuple[Job, Target]]) -> list[tuple[object, bool]]:
    """The numbers that scales and deploys set, each with whether that is certain."""
    found: list[tuple[object, bool]] = []
    for job, target in made:
        change = job.plan.service(target.service) if job.plan else None
        written = target.changed or not _is_certain(target)
        if job.action == "scale":
            found.append((target.replicas, _is_certain(target)))
        elif change and change.action in {PlanAction.CREATE, PlanAction.UPDATE} and written:
            found.append((change.replicas.planned, _is_certain(target)))
    return found


def _wanted_templates(made: list[tuple[Job, Target]]) -> list[tuple[object, bool]]:
    """The templates after each change; one that is unknown is None."""
    found: list[tuple[object, bool]] = []
    for job, target in made:
        if job.action in {"restart", "rollback", "deploy"} and (
            target.changed or not _is_certain(target)
        ):
            found.append((target.template or None, _is_certain(target)))
    return found


def _as_wanted(
    name: str, what: str, found: object, wanted: Sequence[tuple[object, bool]]
) -> Iterator[Violation]:
    """Compare with the last certain change; uncertain ones after it may have been made too."""
    allowed: list[object] = []
    for value, certain in wanted:
        allowed = [value] if certain else [*(allowed or [found]), value]
    if allowed and found not in allowed and None not in allowed:
        text = f"its {what} is {found}, but the last job wanted {allowed[-1]}"
        yield Violation("objects are as wanted", name, text)


def _replicas(spec: Spec) -> int | None:
    found: Mapping[str, Any] = spec["Mode"].get("Replicated") or {}
    return found.get("Replicas")


def _change(update: Update) -> str:
    """What a write changed, in a few words."""
    if not update.before or not update.after:
        return "removed" if update.before else "created"
    changed = [key for key in update.after if update.after[key] != update.before.get(key)]
    if changed == ["Mode"]:
        return f"replicas {_replicas(update.before)} → {_replicas(update.after)}"
    if changed == ["Availability"]:
        return f"{update.before['Availability']} → {update.after['Availability']}"
    forced = [
        spec.get("TaskTemplate", {}).get("ForceUpdate") for spec in (update.before, update.after)
    ]
    return f"forced {forced[0]} → {forced[1]}" if forced[0] != forced[1] else f"{changed}"
