"""A deploy: its plan with the question whether it is right, and its job up to the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.domain.deploys import outcomes
from bot.domain.deploys.decision import Decided, Decision
from bot.domain.deploys.staleness import stale
from bot.domain.deploys.warnings import Stack, warnings
from bot.domain.errors import RefusedError, StalePlanError, SwarmError
from bot.domain.jobs.deploy_plan import (
    ContentChange,
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    ReplicaRule,
    Replicas,
    ServiceChange,
)
from bot.domain.jobs.model import Job, JobState, PendingCommand, Target
from bot.domain.jobs.verdict import Outcome
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.volumes import LiveVolume, VolumeMount, volumes_of
from bot.domain.text.message import Message
from bot.jobs.confirmation import Confirming
from bot.jobs.removal import _blind, _judged, _late, _progress
from bot.views.errors import done
from bot.views.jobs.message import job_message, thread_mention
from bot.views.jobs.plan import nothing_to_do
from bot.views.jobs.proposal import closed_proposal, proposal
from tests.messages import removals
from tests.messages.job_kit import a_job, a_target, away, crashed, finished, newest
from tests.messages.sample import (
    ANN,
    AT,
    BOB,
    CHANNEL,
    COMMAND,
    REFERENCE,
    Sample,
    Topic,
    answer,
    context,
    nothing,
    port,
    shortened,
)
from tests.messages.swarm import DJANGO, NODES, WORKER, a_goal, a_service, judged, running

CREATE, UPDATE, REMOVE = PlanAction.CREATE, PlanAction.UPDATE, PlanAction.REMOVE


def topics() -> tuple[Topic, ...]:
    """Plans, then the jobs that they become."""
    return (
        Topic(
            "Deploy: plans",
            "In the channel. A plan's message becomes its job's message when it is confirmed.",
            (*_plans(), *_closed(), *_decided(), *_refusals()),
        ),
        Topic("Deploy: jobs", "One message per job, in the channel.", tuple(_jobs())),
        removals.topic(),
    )


def a_change(
    name: str, action: PlanAction | None, *fields: Difference, **values: Any
) -> ServiceChange:
    """What would become of a service."""
    base = "" if action is CREATE else "base"
    return ServiceChange(
        f"orochi_{name}", action, f"{name}-id" if base else "", base, fields=fields, **values
    )


def a_plan(*changes: ServiceChange, others: tuple[PlanStep, ...] = (), **values: Any) -> Plan:
    """A plan of these changes, with a step for each that is one."""
    steps = tuple(
        PlanStep(Kind.SERVICE, each.action, each.name, each.id, 1, each.base, "next")
        for each in changes
        if each.action
    )
    return Plan("orochi", (*others, *steps), changes, digest="d", **values)


def full_plan() -> Plan:
    """A plan with changes of every kind, and warnings."""
    image = "registry.example.com/django"
    return a_plan(
        a_change(
            "django",
            UPDATE,
            Difference("image", f"{image}:2.4", f"{image}:2.5"),
            Difference("environment DEBUG", "", "0"),
            Difference("environment SECRET_KEY", "hidden (1a2b3c4d)", "hidden (5e6f7a8b)"),
            Difference("label old", "x", ""),
            replicas=Replicas(3, 3, 2, ReplicaRule.FILE),
        ),
        a_change(
            "flower",
            CREATE,
            Difference("image", "", "registry.example.com/flower:1.0"),
            Difference("replicas", "", "1"),
            Difference("mode", "", "replicated"),
            replicas=Replicas(None, 1, 1, ReplicaRule.FILE),
        ),
        a_change("legacy", REMOVE, replicas=Replicas(live=2)),
        a_change("redis", None, replicas=Replicas(2, None, 2, ReplicaRule.UNSTATED)),
        a_change("worker01", None, replicas=Replicas(5, 3, 5, ReplicaRule.SCALED)),
        others=(
            PlanStep(Kind.NETWORK, CREATE, "orochi_default", wanted="n"),
            PlanStep(Kind.SECRET, UPDATE, "orochi_password", "p", 3, "a", "b", "c"),
        ),
        warnings=(*_warnings(), "Ignoring unsupported options: build"),
        contents=_contents(),
    )


def _contents() -> tuple[ContentChange, ...]:
    both = (DJANGO.name, WORKER.name)
    return (
        ContentChange(Kind.CONFIG, "orochi_nginx", "orochi_nginx-9f8e7d6c", both, (3, 1)),
        ContentChange(Kind.CONFIG, "orochi_order", "orochi_order-5a4b3c2d", both[:1], (0, 0)),
        ContentChange(Kind.SECRET, "orochi_token", "orochi_token-1f2e3d4c", both[:1]),
    )


def _warnings() -> tuple[str, ...]:
    """A warning of each kind."""
    moving = replace(WORKER, image="registry.example.com/worker01:latest")
    nfs = {"type": "nfs", "device": ":/export"}
    mounts = [
        VolumeMount(f"orochi_{reach.value}", DJANGO.name, f"/{reach.value}", options=_on(reach))
        for reach in Reach
        if reach is not Reach.ANSWERS
    ]
    mounts += [
        VolumeMount("orochi_todo", DJANGO.name, "/t", options={**nfs, "o": "addr=<NFS_SERVER_IP>"}),
        VolumeMount("orochi_cache", DJANGO.name, "/c", options={"size": "2g"}),
        VolumeMount("orochi_cache", WORKER.name, "/c", options={"size": "2g"}),
    ]
    live = {"orochi_cache": LiveVolume("orochi_cache", "local", {"size": "1g"})}
    stack = Stack(
        "orochi",
        (moving, DJANGO),
        volumes_of(mounts, live),
        {(f"{reach.value}.internal", 2049): reach for reach in Reach},
        NODES,
        ((DJANGO.name, "./media"),),
        ("build", "container_name"),
    )
    return warnings(stack)


def _on(reach: Reach) -> dict[str, str]:
    return {"type": "nfs", "o": f"addr={reach.value}.internal,rw", "device": ":/export"}


def deploying(plan: Plan, **values: Any) -> Job:
    """The job that a plan is, or becomes."""
    targets = tuple(
        Target(each.name, each.id, each.replicas.planned or 0) for each in plan.services
    )
    text = values.pop("text", "deploy")
    return Job("k3f9ab", "deploy", "orochi", text, ANN, CHANNEL, AT, targets, plan=plan, **values)


def _plans() -> Iterator[Sample]:
    plan, small = full_plan(), _small()
    yield Sample("A plan with changes of every kind, and warnings", _asked(deploying(plan)))
    yield Sample("A plan with one change", _asked(deploying(small)))
    back = deploying(small, version=6, text="rollback")
    yield Sample("`/orochi rollback`: the plan back to a version", _asked(back))
    many = a_plan(*(a_change(f"service{n:02}", UPDATE, *_fields(12)) for n in range(30)))
    yield Sample("A plan that is too long for one message", shortened(_asked(deploying(many))))
    same = a_plan(
        a_change("django", None),
        a_change("worker01", None, replicas=Replicas(5, 3, 5, ReplicaRule.SCALED)),
        warnings=_warnings()[-1:],
    )
    yield Sample("A plan of newer images", _asked(_all_images()))
    many_targets = tuple(newest().targets[0] for _ in range(120))
    long = replace(_all_images(), targets=many_targets, foretold=())
    yield Sample("A plan of newer images: many", shortened(_asked(long)))
    yield Sample("No changes", done(nothing_to_do(same)))
    yield Sample("No changes: back to a version", done(nothing_to_do(same, 6)))


def _fields(count: int) -> tuple[Difference, ...]:
    return tuple(Difference(f"environment KEY{n}", "old" * 12, "new" * 12) for n in range(count))


def _small() -> Plan:
    image = "registry.example.com/django"
    change = Difference("image", f"{image}:2.4", f"{image}:2.5")
    return a_plan(
        a_change("django", UPDATE, change, replicas=Replicas(2, 2, 2, ReplicaRule.UNCHANGED)),
        a_change("worker01", None, replicas=Replicas(3, 3, 3, ReplicaRule.UNCHANGED)),
    )


def _asked(job: Job) -> Message:
    return proposal(job, AT + 600)


def _all_images() -> Job:
    """An update of all services, one of which could not be looked up."""
    silent = "cache stays as it is: The registry Docker Hub did not answer within 8 s."
    pair = (newest().targets[0], a_target(WORKER, image=f"{WORKER.image}@sha256:{'3f9a1b2c' * 8}"))
    pair = (pair[0], replace(pair[1], image_before=WORKER.image))
    return a_job("update", *pair, text="update --all", foretold=(silent,))


def _closed() -> Iterator[Sample]:
    for title, job, decision, user in (
        ("expired", deploying(_small()), Decision.EXPIRED, ""),
        ("cancelled", deploying(_small()), Decision.CANCELLED, BOB),
        ("cancelled: newer images", _all_images(), Decision.CANCELLED, BOB),
    ):
        message = closed_proposal(job, decision, user, COMMAND)
        yield Sample(f"A plan that was {title}", message)


def _refusals() -> Iterator[Sample]:
    """What is said to who presses Confirm too late."""
    gone = port(load=None)
    for title, jobs in (("gone", gone), ("confirmed before", port(load=deploying(_small())))):
        pending = PendingCommand("d4k2m9", "k", "job.confirm", "k3f9ab", ANN, CHANNEL, "", AT)
        ctx = context(plans=port(load=None), jobs=jobs)
        ctx.clock.now = iter(AT + 60 * n for n in range(9)).__next__
        pressed = Confirming(ctx).confirm(pending, "k3f9ab")
        yield Sample(f"[Confirm]: the plan is {title}", answer(nothing(pressed)))


def _decided() -> Iterator[Sample]:
    """What is said to who presses a button of a plan that somebody decided before."""
    job = deploying(_small())
    for title, decision, ours in (
        ("[Cancel]", Decision.CANCELLED, True),
        ("[Cancel]: someone already did", Decision.CANCELLED, False),
        ("[Cancel]: the plan has expired", Decision.EXPIRED, False),
    ):
        decided = Decided(job, decision, BOB, ours)
        plans = port(load=job, decide=decided, forget=None)
        asked = Confirming(context(plans=plans, chat=port(settle=None))).cancel(job.id, ANN)
        yield Sample(title, answer(asked))


def _jobs() -> Iterator[Sample]:
    plan = full_plan()
    job = replace(deploying(plan), confirmed_by=BOB, state=JobState.RUNNING, steps_made=4)
    yield Sample("Queued", _shown(replace(job, state=JobState.QUEUED, steps_made=None)))
    begun = _made(job, "django", "flower", "redis", "worker01")
    for index, service in ((0, DJANGO), (4, WORKER)):
        goal, tasks = a_goal(service), running(service, 1)
        begun = begun.with_progress(index, judged(goal, (0, service, tasks)).progress)
    yield Sample("Running", _shown(begun))
    waiting = outcomes.awaited(replace(job, steps_made=None), away())
    yield Sample("Running: the engine is away", _shown(waiting))
    well = [_well(each.name.removeprefix("orochi_")) for each in plan.services]
    gone = _judged([], late=False)
    assert gone is not None
    ended = finished(replace(begun, steps_made=5), *well[:2], gone, *well[3:])
    yield Sample("Converged", _shown(replace(ended, way_back=6)))
    yield Sample("Converged: more images than there is room for", _shown(_many_images()))
    yield Sample("The mention in the thread: converged", thread_mention(ended))
    broken = finished(begun, *crashed().outcomes, *well[1:2])  # type: ignore[arg-type]
    broken = broken.with_outcome(3, well[3]).with_outcome(4, well[4])
    broken = replace(outcomes.kept(broken, [2]), way_back=6)
    yield Sample("Crash looping, with the way back", _shown(broken))
    yield Sample("The mention in the thread: crash looping", thread_mention(broken))
    left = list(running(a_service("legacy", 2), 1, 2))
    removing = replace(finished(begun, *well[:2]), state=JobState.RUNNING, finished=None)
    for title, seen in (
        ("containers stop", _progress("orochi_legacy", left)),
        ("the engine is away", _blind("orochi_legacy", away())),
    ):
        yield Sample(f"Running: a removal, {title}", _shown(removing.with_progress(2, seen)))
    for title, alive in (("a container does not stop", left[:1]), ("not known", None)):
        late = finished(begun, *well[:2], _late(alive), *well[3:])
        yield Sample(f"Timed out: a removal, {title}", _shown(late))
    yield from _stopped(job, begun)
    yield from _refused(job)


def _many_images() -> Job:
    """A deploy that gave many services an image each."""
    names = [f"api{n}" for n in range(1, 9)]
    images = [Difference("image", f"{name}:1.4", f"{name}:1.5") for name in names]
    changes = [a_change(name, UPDATE, each) for name, each in zip(names, images, strict=True)]
    job = _made(deploying(a_plan(*changes), steps_made=8), *names)
    return finished(job, *map(_well, names))


def _stopped(job: Job, begun: Job) -> Iterator[Sample]:
    fresh = replace(job, steps_made=None)
    for title, each in (("before the first step", fresh), ("half-way", begun)):
        cancelled = finished(outcomes.cancelled(each, BOB))
        yield Sample(f"Cancelled: {title}", _shown(cancelled))


def _refused(job: Job) -> Iterator[Sample]:
    fresh, plan = replace(job, steps_made=None), job.plan
    assert plan is not None
    yield Sample("Refused: the plan is stale", _shown(_stale(fresh, plan)))
    error = RefusedError("`orochi.yml` is larger than 1 MiB.")
    refused = finished(outcomes.refused_file(fresh, error))
    yield Sample("Refused: the file cannot be deployed any more", _shown(refused))
    step = next(each for each in plan.steps if each.name == DJANGO.name)
    network = plan.steps[0]
    full = SwarmError("The engine says: rpc error: name conflicts with an existing object.")
    full.ref = REFERENCE
    changed = StalePlanError(
        "orochi_django changed since the plan was made: replicas 2 → 4.",
        hint="Ask for a new plan.",
    )
    for title, at, why in (
        ("a service changed since the plan", step, changed),
        ("the engine refuses a service", step, full),
        ("the engine refuses a network", network, full),
    ):
        stopped = finished(outcomes.stopped_at(replace(job, steps_made=0), at, why, once=True))
        yield Sample(f"Stopped: {title}", _shown(stopped))


def _stale(job: Job, plan: Plan) -> Job:
    changed = []
    for each in plan.services:
        if each.name == DJANGO.name:
            fields = tuple(
                replace(f, old="3") if f.field == "label old" else f for f in each.fields
            )
            changed.append(replace(each, base="other", fields=fields))
        elif each.name == "orochi_redis":
            changed.append(replace(each, action=REMOVE))
        elif each.name != "orochi_legacy":
            changed.append(each)
    sentences = stale(plan, a_plan(*changed, others=plan.steps[:2]))
    return finished(outcomes.refused_stale(job, sentences))


def _made(job: Job, *names: str) -> Job:
    for index, target in enumerate(job.targets):
        if target.service.removeprefix("orochi_") in names:
            made = replace(target, applied=AT + 1, changed=True, update_before=0.0)
            job = job.with_target(index, made)
    return job


def _well(name: str) -> Outcome:
    service = a_service(name, 2)
    tasks = running(service, 1, 2)
    found = judged(a_goal(service), (0, service, tasks), (5, service, tasks)).outcome
    assert found is not None
    return found


def _shown(job: Job) -> Message:
    return job_message(job, AT + 30, command=COMMAND, home="orochi")
