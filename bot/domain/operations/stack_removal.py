"""Removing a stack: what goes, what stays, why it is refused, and how it ended. Pure.

What goes is a ``Plan`` of removals only. The services go first; the last target of the job is the
stack itself: its networks, configs and secrets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain.commands.names import SLASH, alike, short_name
from bot.domain.deploys.history import way_back, without_digest
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction, PlanStep, Replicas, ServiceChange
from bot.domain.jobs.model import STACK, Job, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.text.amounts import plural

MOST_NAMED = 6
_USED = "Stop what uses it, then remove the stack again."
_ORDER = (Kind.SERVICE, Kind.NETWORK, Kind.CONFIG, Kind.SECRET)


@dataclass(frozen=True, slots=True)
class StackPart:
    """One object of a stack.

    ``replicas`` is the number of a service, None if it has none, ``image`` its image.
    """

    kind: Kind
    id: str
    name: str
    replicas: int | None = None
    image: str = ""


@dataclass(frozen=True, slots=True)
class OutsideUse:
    """A service of another stack, or of none, that uses an object of the stack.

    ``service`` is its full name, ``run`` the id of the job if it is a one-off task's.
    """

    service: str
    kind: Kind
    name: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class StackContents:
    """What a stack has in the swarm.

    ``volumes`` are the names of its volumes. ``has_bot`` says that the bot runs in it.
    """

    stack: str
    parts: tuple[StackPart, ...] = ()
    uses: tuple[OutsideUse, ...] = ()
    volumes: tuple[str, ...] = ()
    has_bot: bool = False


def find_stack(typed: str, stacks: Iterable[str]) -> str:
    """The stack of that name: an exact match first, then one that ignores case; "" for none."""
    known = tuple(stacks)
    if typed in known:
        return typed
    same = [each for each in known if each.lower() == typed.lower()]
    return same[0] if len(same) == 1 else ""


def unknown_stack(
    typed: str, stacks: Sequence[str], command: str, *, deployed: bool = False
) -> RefusedError:
    """The refusal for a name that is no stack's in the swarm.

    ``deployed`` says that the bot has versions of it.
    """
    if deployed:
        said = f"The stack `{typed}` is not in the swarm any more."
        return RefusedError(said, hint=f"To bring it back: `{command} rollback {typed}/`")
    listed = f"To list the stacks: `{command} stacks`"
    named = " or ".join(f"`{command} remove {each}`" for each in alike(typed, stacks))
    hint = f"Did you mean {named}?" if named else listed
    return RefusedError(f"There is no stack `{typed}` in the swarm.", hint=hint)


def is_confirmed(job: Job, typed: str) -> bool:
    """Whether what was typed is the name of the stack; phones begin it with a capital letter."""
    return typed.strip().removesuffix(SLASH).lower() == job.stack.lower()


def not_confirmed(job: Job, typed: str) -> RefusedError:
    """The refusal of a confirmation without the stack's name."""
    hint = f"Type `{job.stack}` into the field of the plan, then press *Remove*."
    if not typed.strip():
        return RefusedError(f"The name of the stack `{job.stack}` was not typed.", hint=hint)
    return RefusedError(f"That is not the name of the stack `{job.stack}`.", hint=hint)


def objection(contents: StackContents, command: str) -> RefusedError | None:
    """Why the stack cannot be removed, None if it can."""
    if contents.has_bot:
        return RefusedError(
            f"The bot runs in the stack `{contents.stack}`, and it cannot remove itself.",
            hint=f"On a manager: `docker stack rm {contents.stack}`",
        )
    if not contents.uses:
        return None
    first, more = contents.uses[0], len({use.service for use in contents.uses}) - 1
    others = f" {plural(more, 'other service uses', 'other services use')} it, too." if more else ""
    what = f"the {first.kind.value} `{first.name}` of the stack `{contents.stack}`"
    if first.run and first.kind is Kind.SERVICE:
        what = f"what the service `{first.name}` has"
    if first.run:
        return RefusedError(
            f"`{first.service}`, the command of job `{first.run}`, uses {what}.{others}",
            hint=f"Wait for its end, or stop it: `{command} cancel {first.run}`",
        )
    return RefusedError(
        f"`{first.service}` is not part of the stack `{contents.stack}`, but uses {what}.{others}",
        hint=f"First remove `{first.service}`, or deploy it without that {first.kind.value}.",
    )


def plan_of(contents: StackContents) -> Plan:
    """The removals: services, networks, configs, secrets, each by name."""
    ordered = sorted(contents.parts, key=lambda part: (_ORDER.index(part.kind), part.name))
    services = tuple(
        ServiceChange(
            part.name,
            PlanAction.REMOVE,
            id=part.id,
            image=part.image,
            replicas=Replicas(live=part.replicas),
        )
        for part in ordered
        if part.kind is Kind.SERVICE
    )
    steps = tuple(PlanStep(part.kind, PlanAction.REMOVE, part.name, part.id) for part in ordered)
    return Plan(contents.stack, steps, services, volumes=contents.volumes)


def targets_of(plan: Plan) -> tuple[Target, ...]:
    """The services, then the stack."""
    services = (Target(each.name, each.id, 0) for each in plan.services)
    return (*services, Target(f"{STACK}{plan.stack}", "", 0))


def came_since(plan: Plan, contents: StackContents) -> tuple[str, ...]:
    """What the stack has now and had not when its removal was confirmed, a sentence each."""
    known = {step.id for step in plan.steps}
    return tuple(
        f"The {part.kind.value} {part.name} was created since the plan was made."
        for part in contents.parts
        if part.id not in known
    )


def rest_of(plan: Plan) -> tuple[PlanStep, ...]:
    """Everything but the services, in the order of removal."""
    return tuple(step for step in plan.steps if step.kind is not Kind.SERVICE)


def left_of(plan: Plan, contents: StackContents) -> tuple[PlanStep, ...]:
    """The objects of the plan that still exist."""
    present = {part.id for part in contents.parts}
    return tuple(step for step in plan.steps if step.id in present)


def counted(steps: Iterable[PlanStep]) -> str:
    """``3 services, 1 network, 2 configs``; "" for nothing."""
    counts = Counter(step.kind for step in steps)
    return ", ".join(plural(counts[kind], kind.value) for kind in _ORDER if counts[kind])


def brought_back_by(stack: str, versions: Sequence[Version]) -> Version | None:
    """The version that a roll back restores after the removal, None for none."""
    try:
        return way_back(stack, versions, gone=True)
    except RefusedError:
        return None


def not_restored(plan: Plan, version: Version) -> tuple[str, ...]:
    """What of the removed services a version does not bring back, a sentence each."""
    shown = [(each, short_name(plan.stack, each.name)) for each in plan.services]
    known = version.images
    return (
        *(
            f"Version {version.number} has another image for {name}: {before}, not {now}."
            for each, name in shown
            if each.name in known and each.image != known[each.name]
            for before, now in [_told_apart(known[each.name], each.image)]
        ),
        *(
            f"Version {version.number} has no service {name}."
            for each, name in shown
            if each.name not in known
        ),
    )


def _told_apart(one: str, other: str) -> tuple[str, str]:
    return without_digest(one, other), without_digest(other, one)


def way_back_sentence(stack: str, version: int, command: str, *, has_file: bool) -> str:
    """How the stack can be brought back afterwards."""
    if version:
        return f"To bring it back as version {version}: `{command} rollback {stack}/`"
    if has_file:
        return f"To bring it back from its file: `{command} deploy {stack}`"
    return (
        "Warning: nothing can bring it back. The bot has no version of it, and there is no stack"
        f" file `{stack}.yml`."
    )


def refused(job: Job, reason: str, advice: str = "") -> Job:
    """The job that was refused before anything was removed."""
    return _all(job, Outcome(Verdict.REFUSED, f"{reason} Nothing was changed.", advice))


def cancelled_before(job: Job, user: str) -> Job:
    """The job that was cancelled before anything was removed."""
    said = Outcome(Verdict.CANCELLED, "Cancelled before the removal. Nothing was changed.")
    return _all(replace(job, cancelled_by=user), said)


def already_gone(job: Job) -> Job:
    """The job of a stack that was removed meanwhile."""
    said = f"It has been removed since: the stack {job.stack} is no longer in the swarm."
    return _all(job, Outcome(Verdict.CONVERGED, said))


def ended(job: Job, left: Sequence[PlanStep] | None, trouble: str, user: str = "") -> Job:
    """The job with the outcomes of its end.

    ``left`` are the objects that still exist, None if that is unknown. ``trouble`` says why one of
    them cannot be removed, "" if that is unknown. ``user`` is who cancelled it, "" for nobody.
    """
    job = replace(job, cancelled_by=user)
    for index, target in enumerate(job.targets[:-1]):
        if _at(job, index) is None:
            job = job.with_outcome(index, _unfinished(target, user))
    return job.with_outcome(len(job.targets) - 1, _whole(job, left, trouble, user))


def version_of(job: Job, versions: Sequence[Version], now: float) -> Version:
    """The version that the removal leaves, with the replicas to bring back.

    ``versions`` are the stack's: it keeps the file's numbers of the one before, for services that
    were not removed.
    """
    before = next((each for each in versions if each.job != job.id), None)
    plan, outcome = job.plan, job.outcome
    if plan is None or outcome is None:
        raise ValueError("only a removal that ended is a version")
    live = {each.name: each.replicas.live for each in plan.services}
    return Version(
        stack=job.stack,
        job=job.id,
        user=job.user,
        at=job.finished or now,
        verdict=outcome.verdict,
        digest=plan.digest,
        images={},
        replicas=before.replicas if before else {},
        before={name: count for name, count in live.items() if count is not None},
        removed=True,
    )


def _whole(job: Job, left: Sequence[PlanStep] | None, trouble: str, user: str) -> Outcome:
    """The outcome of the stack: the worst of its services', and what is left."""
    plan = job.plan
    if plan is None:
        raise TypeError("a removal has a plan")
    bad = [each for each in job.outcomes[:-1] if each is not None and not each.verdict.good]
    if left is not None and not left and not bad:
        return Outcome(Verdict.CONVERGED, f"Removed: {counted(plan.steps)}.{_kept(plan)}")
    gone = [step for step in plan.steps if left is not None and step not in left]
    said = [f"Removed: {counted(gone)}." if gone else ""]
    said += [_left_words(left), trouble if left else ""]
    worst = max(bad, key=lambda each: each.verdict.severity, default=None)
    if user:
        advice = "" if left == () else "To remove the rest, remove the stack again."
        return Outcome(Verdict.CANCELLED, _joined(said), advice)
    if worst is None:
        return Outcome(Verdict.TIMED_OUT, _joined(said), _USED)
    name = short_name(job.stack, job.targets[job.outcomes.index(worst)].service)
    return replace(worst, reason=_joined([f"{name}: {worst.reason}", *said]), running=0)


def _joined(said: Iterable[str]) -> str:
    return " ".join(filter(None, said))


def _left_words(left: Sequence[PlanStep] | None) -> str:
    if left is None:
        return "It is unknown what is left: the engine does not answer."
    if not left:
        return "Nothing of it is left in the swarm."
    named = [f"{step.kind.value} {step.name}" for step in left[:MOST_NAMED]]
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    return f"Still there: {', '.join(named)}{more}."


def _kept(plan: Plan) -> str:
    """The volumes that stay, as a sentence."""
    if not plan.volumes:
        return ""
    more = len(plan.volumes) - MOST_NAMED
    named = ", ".join(plan.volumes[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f" {'Volume' if len(plan.volumes) == 1 else 'Volumes'} kept: {named}."


def _unfinished(target: Target, user: str) -> Outcome:
    if target.applied is None:
        verdict = Verdict.CANCELLED if user else Verdict.REFUSED
        return Outcome(
            verdict, "Not removed." if user else "Not removed: another one failed first."
        )
    verdict = Verdict.CANCELLED if user else Verdict.TIMED_OUT
    return Outcome(verdict, "Removed. No longer watched.")


def _all(job: Job, outcome: Outcome) -> Job:
    for index in range(len(job.targets)):
        job = job.with_outcome(index, outcome)
    return job


def _at(job: Job, index: int) -> Outcome | None:
    return job.outcomes[index] if index < len(job.outcomes) else None
