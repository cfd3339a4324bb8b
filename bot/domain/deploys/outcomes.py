"""The outcomes of a deploy's services that do not get a verdict from convergence. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.domain.commands.names import short_name
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError, StalePlanError, SwarmError, SwarmUnavailableError
from bot.domain.jobs.deploy_plan import Plan, PlanAction, PlanStep
from bot.domain.jobs.model import Job
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import MAY_BE_CHANGED, Outcome, Verdict

MOST_SENTENCES = 5


def refused_stale(job: Job, sentences: Sequence[str]) -> Job:
    """The plan is out of date, and none of it was applied."""
    more = len(sentences) - MOST_SENTENCES
    told = " ".join(sentences[:MOST_SENTENCES]) + (f" And {more} more." if more > 0 else "")
    reason = f"The plan is out of date. {told} Nothing was changed."
    return _all(job, Outcome(Verdict.REFUSED, reason, "Deploy again for a new plan."))


def refused_file(job: Job, error: RefusedError) -> Job:
    """The stack's file can no longer be deployed; services already changed are still followed."""
    if not job.begun:
        return _all(job, Outcome(Verdict.REFUSED, _unchanged(error.sentence), error.hint))
    reason = f"Not changed: {error.sentence}"
    return _rest(job, Outcome(Verdict.REFUSED, reason, error.hint))


def stopped_at(job: Job, step: PlanStep, error: RefusedError | SwarmError, *, once: bool) -> Job:
    """A step failed: the outcomes of its object and of everything that is now not applied.

    If it is the first step in the first attempt, nothing was changed. ``once`` says that the step
    was tried only once: after an earlier try without an answer it is unknown what that try changed.
    """
    first = once and job.attempt <= 1 and not isinstance(error, SwarmUnavailableError)
    job = replace(job, untouched=first and job.steps_made == 0)
    name = short_name(job.stack, step.name)
    outcome = _trouble(step, error, sure=first or not error.doubtful)
    for index, target in enumerate(job.targets):
        if step.kind.value == "service" and target.service == step.name:
            job = job.with_outcome(index, outcome)
    what = name if step.kind.value == "service" else f"the {step.kind.value} {name}"
    held = Outcome(Verdict.REFUSED, f"Not changed: {what} failed first.", error.hint)
    return _rest(job, held if step.kind.value == "service" else outcome)


def jobs_before(job: Job, step: PlanStep) -> tuple[int, ...]:
    """The targets that run to completion because of the plan and must complete before a step."""
    services = job.plan.services if job.plan else ()
    names = {each.name for each in services if each.action is not None} & {*step.after}
    return tuple(i for i, target in enumerate(job.targets) if target.service in names)


def uncompleted(job: Job, indexes: Sequence[int]) -> str:
    """The full name of the first of these targets that has not ended well, "" if all have.

    One that ran comes before those that were held back because of it.
    """
    for index in sorted(indexes, key=lambda each: job.targets[each].applied is None):
        outcome = _at(job, index)
        if outcome is None or not outcome.verdict.good:
            return job.targets[index].service
    return ""


def held_back(job: Job, service: str, awaited: str) -> Job:
    """A service is not changed, because one that it depends on, ``awaited``, did not complete."""
    name = short_name(job.stack, awaited)
    advice = f"Correct {name}, then deploy again."
    held = Outcome(Verdict.REFUSED, f"Not changed: {name} did not complete.", advice)
    index = next(i for i, target in enumerate(job.targets) if target.service == service)
    return job.with_outcome(index, held)


def kept(job: Job, indexes: Sequence[int]) -> Job:
    """Services to be removed are kept because another service is not healthy."""
    for index in indexes:
        if _at(job, index) is None:
            reason = "Not removed: services are removed only after the others succeed."
            job = job.with_outcome(index, Outcome(Verdict.REFUSED, reason))
    return job


def cancelled(job: Job, user: str) -> Job:
    """Somebody cancelled: applied changes stay, and the remaining ones are not applied."""
    job = replace(job, cancelled_by=user)
    for index in range(len(job.targets)):
        if _at(job, index) is None:
            job = job.with_outcome(index, _left(job, index))
    return job


def awaited(job: Job, error: SwarmUnavailableError) -> Job:
    """The job as shown while the engine does not answer."""
    so_far = "" if job.begun else "nothing changed yet, "
    for index, target in enumerate(job.targets):
        if _at(job, index) is None:
            phase = f"{so_far}waiting for the engine: {error.sentence}"
            progress = ServiceProgress(target.service, 0, 0, phase)
            job = job.with_progress(index, progress)
    return job


def version_of(job: Job, earlier: Mapping[str, int | None], now: float) -> Version:
    """The version that a finished deploy leaves.

    ``earlier`` are the file's replica counts of the previous version: they are used for services
    that the deploy did not reach.
    """
    plan, outcome = job.plan, job.outcome
    if plan is None or outcome is None:
        raise ValueError("only a deploy that ended is a version")
    made = {target.service for target in job.targets if target.applied is not None}
    replicas = {
        name: number if name in made else earlier.get(name)
        for name, number in plan.file_replicas.items()
        if name in made or name in earlier
    }
    images = {
        each.name: each.image for each in plan.services if each.action is not PlanAction.REMOVE
    }
    return Version(
        stack=job.stack,
        job=job.id,
        user=job.user,
        at=job.finished or now,
        verdict=outcome.verdict,
        digest=plan.digest,
        images=images,
        replicas=replicas,
        before=_replicas_before(plan, made),
        files=tuple(sorted(plan.files)),
    )


def _replicas_before(plan: Plan, made: Collection[str]) -> dict[str, int]:
    """The earlier replicas of the services whose number the plan changed."""
    changed = (each.replicas for each in plan.services)
    found = zip(plan.services, changed, strict=True)
    return {
        each.name: number.live
        for each, number in found
        if each.name in made and number.live is not None and number.planned != number.live
    }


def _trouble(step: PlanStep, error: RefusedError | SwarmError, *, sure: bool) -> Outcome:
    if isinstance(error, RefusedError):
        stale = isinstance(error, StalePlanError)
        verdict = Verdict.SUPERSEDED if stale else Verdict.REFUSED
        said = f"Not changed: {error.sentence}" if sure else f"{error.sentence} {MAY_BE_CHANGED}"
        return Outcome(verdict, said, error.hint)
    known = "It was not changed." if sure else MAY_BE_CHANGED
    what = "" if step.kind.value == "service" else f"The {step.kind.value} {step.name}: "
    return Outcome(Verdict.FAILED, f"{what}{error.sentence} {known} (ref {error.ref})", error.hint)


def _left(job: Job, index: int) -> Outcome:
    target = job.targets[index]
    if not job.begun:
        return Outcome(Verdict.CANCELLED, "Cancelled before the change. Nothing was changed.")
    change = job.plan.service(target.service) if job.plan else None
    action = change.action if change else None
    if target.applied is None:
        word = "removed" if action is PlanAction.REMOVE else "changed"
        return Outcome(Verdict.CANCELLED, f"Not {word}.")
    seen = job.progress[index] if index < len(job.progress) else None
    counts = seen.counts if seen and action is not PlanAction.REMOVE else None
    running, desired = counts or (0, 0)
    done = {None: "Unchanged", PlanAction.CREATE: "Added"}
    done |= {PlanAction.UPDATE: "Changed", PlanAction.REMOVE: "Removed"}
    last = f": {running}/{desired} running" if counts else ""
    reason = f"{done[action]}. No longer watched{last}."
    return Outcome(Verdict.CANCELLED, reason, running=running, desired=desired)


def _all(job: Job, outcome: Outcome) -> Job:
    for index in range(len(job.targets)):
        job = job.with_outcome(index, outcome)
    return job


def _rest(job: Job, outcome: Outcome) -> Job:
    """The job with an outcome for each service that was not changed and has none."""
    alone = Outcome(Verdict.REFUSED, "Unchanged. Not watched.")
    for index, target in enumerate(job.targets):
        if _at(job, index) is None and target.applied is None:
            change = job.plan.service(target.service) if job.plan else None
            is_alone = change is not None and change.action is None
            job = job.with_outcome(index, alone if is_alone else outcome)
    return job


def _at(job: Job, index: int) -> Outcome | None:
    return job.outcomes[index] if index < len(job.outcomes) else None


def _unchanged(sentence: str) -> str:
    return f"{sentence} Nothing was changed."
