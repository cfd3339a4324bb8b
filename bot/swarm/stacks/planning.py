"""Makes the plan from recorded calls. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.secret_values import NOTHING, SecretValues
from bot.domain.deploys.version import Bundle
from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    Replicas,
    ServiceChange,
    all_dependencies,
    decide,
    in_order,
)
from bot.domain.swarm.model import LastChange
from bot.swarm import specs
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.fields import differences, fields_of
from bot.swarm.stacks.normal import (
    Names,
    is_replicated,
    labelled_form,
    replicas_of,
    service_form,
)

Json = dict[str, Any]
Key = tuple[Kind, str]

KINDS: Final = {
    "networks": Kind.NETWORK,
    "configs": Kind.CONFIG,
    "secrets": Kind.SECRET,
    "services": Kind.SERVICE,
}


_NONE: Final = Bundle("", "")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Implements ``bot.ports.Recording``. ``calls`` belong to the plan's steps.

    Its services' specs have the planned replicas. ``made`` are the made-up ids of objects to be
    created, with their names. ``bundle`` is the input of the recording. ``secrets`` are the values
    that no text may show. ``entries`` are as in ``Basis``.
    """

    plan: Plan
    calls: Mapping[Key, RecordedCall] = field(repr=False)
    made: Names = field(repr=False)
    bundle: Bundle = _NONE
    secrets: SecretValues = field(default=NOTHING, repr=False)
    entries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Basis:
    """The input of a plan in addition to the calls.

    ``seen`` are the existing objects by id on which the calls are based, ``names`` the present
    names by id, ``depends`` each service's dependencies (full names), ``deployed`` the replicas of
    the last deployed file (None: never), ``undone`` those before the versions that are undone.
    ``entries`` are the names in the file of the objects that are named by their content.
    """

    stack: str
    seen: Mapping[str, Json]
    names: Names
    depends: Mapping[str, Sequence[str]]
    deployed: Mapping[str, int | None] | None
    warnings: tuple[str, ...] = ()
    undone: Mapping[str, int] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)


def planned(calls: Sequence[RecordedCall], basis: Basis, redactor: Redactor) -> Recorded:
    """The plan for the calls of one run."""
    made = {call.id: call.name for call in calls if call.action == "create"}
    planner = _Planner(replace(basis, names={**basis.names, **made}), redactor)
    for call in calls:
        planner.take(call)
    return Recorded(planner.plan(), planner.calls, made, entries=basis.entries)


class _Planner:
    """Collects steps and services, call by call."""

    def __init__(self, basis: Basis, redactor: Redactor) -> None:
        self.calls: dict[Key, RecordedCall] = {}
        self._basis = basis
        self._redactor = redactor
        self._steps: dict[Key, PlanStep] = {}
        self._services: dict[str, ServiceChange] = {}

    def take(self, call: RecordedCall) -> None:
        live = self._basis.seen.get(call.id, {}) if call.action != "create" else {}
        if call.collection == "services":
            self._service(call, live)
        elif call.collection == "networks":
            wanted = self._redactor.digest(specs.pruned(call.body))
            self._keep(call, _step(PlanAction.CREATE, call, {}, base="", wanted=wanted))
        else:
            self._labelled(call, live)

    def plan(self) -> Plan:
        steps = tuple(self._ordered())
        services = tuple(self._services[name] for name in sorted(self._services))
        told = [(s.kind.value, s.action.value, s.name, s.base, s.wanted) for s in steps]
        digest = self._redactor.digest([self._basis.stack, told])
        return Plan(self._basis.stack, steps, services, self._basis.warnings, digest)

    def _service(self, call: RecordedCall, live: Json) -> None:
        names, old = self._basis.names, live.get("Spec") or {}
        base = self._redactor.digest(service_form(old, names)) if old else ""
        before = self._fields(service_form(old, names)) if old else {}
        if call.action == "remove":
            self._remove(call, live, base, before)
            return
        replicas = self._replicas(call, live)
        if replicas.planned is not None:
            call = replace(call, body=specs.with_replicas(call.body, replicas.planned))
        form = service_form(call.body, names)
        wanted = self._redactor.digest(form)
        action = _action(base, wanted)
        self._services[call.name] = ServiceChange(
            call.name,
            action,
            id=call.id if old else "",
            base=base,
            image=str(form["TaskTemplate"].get("ContainerSpec", {}).get("Image", "")),
            fields=_told(action, differences(before, self._fields(form))),
            replicas=replicas,
        )
        if action:
            self._keep(call, _step(action, call, live, base=base, wanted=wanted))

    def _fields(self, form: Json) -> Mapping[str, str]:
        return fields_of(form, self._redactor, self._basis.entries)

    def _remove(self, call: RecordedCall, live: Json, base: str, before: Mapping[str, str]) -> None:
        spec = live.get("Spec") or {}
        name = str(spec.get("Name", call.id))
        step = _step(PlanAction.REMOVE, call, live, base=base, wanted="")
        self._services[name] = ServiceChange(
            name,
            PlanAction.REMOVE,
            id=call.id,
            base=base,
            fields=differences(before, {}),
            replicas=Replicas(live=replicas_of(spec)),
        )
        self._keep(call, replace(step, name=name))

    def _labelled(self, call: RecordedCall, live: Json) -> None:
        """The step for a config or a secret: only labels can change, the name fixes the content."""
        content = self._redactor.digest(call.body.get("Data", ""))
        old = live.get("Spec") or {}
        base = self._redactor.digest(labelled_form(old)) if old else ""
        wanted = self._redactor.digest(labelled_form(call.body))
        if action := _action(base, wanted):
            step = _step(action, call, live, base=base, wanted=wanted)
            self._keep(call, replace(step, content=content))

    def _keep(self, call: RecordedCall, step: PlanStep) -> None:
        self._steps[step.key] = step
        self.calls[step.key] = call

    def _replicas(self, call: RecordedCall, live: Json) -> Replicas:
        spec = live.get("Spec") or {}
        if not is_replicated(call.body):
            return Replicas(live=replicas_of(spec))
        return decide(
            call.name,
            _live_number(spec),
            replicas_of(call.body),
            scaled_from=_scaled_from(live),
            deployed=self._basis.deployed,
            undone=self._basis.undone.get(call.name),
        )

    def _ordered(self) -> Iterable[PlanStep]:
        gone = [step for step in self._steps.values() if step.action is PlanAction.REMOVE]
        for kind in (Kind.NETWORK, Kind.CONFIG, Kind.SECRET):
            yield from sorted(self._of_kind(kind), key=lambda step: step.name)
        services = {step.name: step for step in self._of_kind(Kind.SERVICE)}
        jobs = {name for name, change in self._services.items() if change.is_job}
        depends = {name: all_dependencies(name, self._basis.depends) for name in services}
        late = {*services}  # in a cycle, one that comes later cannot be waited for
        for name in in_order(services, depends):
            yield replace(services[name], after=tuple(sorted((jobs & depends[name]) - late)))
            late.remove(name)
        yield from sorted(gone, key=lambda step: step.name)

    def _of_kind(self, kind: Kind) -> list[PlanStep]:
        return [
            step
            for step in self._steps.values()
            if step.kind is kind and step.action is not PlanAction.REMOVE
        ]


def _told(action: PlanAction | None, fields: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """The fields, with one more if a service would be updated although all are equal."""
    if action is PlanAction.UPDATE and not any(each.changed for each in fields):
        return (*fields, Difference("order of entries", "as it is", "as in the file"))
    return fields


def _action(base: str, wanted: str) -> PlanAction | None:
    if base == wanted:
        return None
    return PlanAction.UPDATE if base else PlanAction.CREATE


def _step(
    action: PlanAction, call: RecordedCall, live: Json, *, base: str, wanted: str
) -> PlanStep:
    version = int((live.get("Version") or {}).get("Index", 0))
    id_ = "" if action is PlanAction.CREATE else call.id
    return PlanStep(KINDS[call.collection], action, call.name, id_, version, base, wanted)


def _live_number(spec: Mapping[str, Any]) -> int | None:
    """The replicas of an existing service, None if it does not exist or has no number."""
    if not spec or not is_replicated(spec):
        return None
    found = replicas_of(spec)
    return 1 if found is None else found


def _scaled_from(live: Mapping[str, Any]) -> int | None:
    """The number before the last change, None if that was more than a scale."""
    found = specs.previous(live)
    if found is None or found.change is not LastChange.NUMBER:
        return None
    return replicas_of(live["PreviousSpec"])
