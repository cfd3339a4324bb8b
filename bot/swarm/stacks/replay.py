"""Applies one step of a plan on the real engine: once, and only if the plan is up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.staleness import what_changed
from bot.domain.errors import (
    NotFoundError,
    OutOfSequenceError,
    StalePlanError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.jobs.deploy_plan import Kind, PlanAction, PlanStep, ServiceChange
from bot.ports import Applied, Still
from bot.swarm import wire
from bot.swarm.connection import Connection
from bot.swarm.logins import NO_LOGINS, Logins
from bot.swarm.sequence import until_in_sequence
from bot.swarm.service_removal import remove_service
from bot.swarm.specs import image, pruned
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.fields import differences, fields_of
from bot.swarm.stacks.normal import Names, labelled_form, service_form, with_credential
from bot.swarm.stacks.planning import Recorded

Json = dict[str, Any]

_PREDEFINED: Final = ("host", "bridge")


async def names_by_id(connection: Connection) -> dict[str, str]:
    """The names of all networks, configs and secrets of the swarm by their ids.

    The swarm's own networks ``host`` and ``bridge`` are in no list (moby
    ``daemon/cluster/filters.go``), but services refer to them by id.
    """
    listed, configs, secrets = await asyncio.gather(
        connection.list("/networks", {"scope": ["swarm"]}),
        connection.list("/configs"),
        connection.list("/secrets"),
    )
    own = await asyncio.gather(*(_predefined(connection, name) for name in _PREDEFINED))
    networks = [*listed, *filter(None, own)]
    found = {str(raw["Id"]): str(raw["Name"]) for raw in networks}
    return found | {str(raw["ID"]): str(raw["Spec"]["Name"]) for raw in (*configs, *secrets)}


async def _predefined(connection: Connection, name: str) -> Json:
    """A network that the swarm has of itself, empty where it has none of this name."""
    try:
        return await connection.get(f"/networks/{name}?scope=swarm")
    except NotFoundError:
        return {}


class Replay:
    """Applies the steps of one recording; ``still`` is asked right before each write."""

    def __init__(
        self,
        connection: Connection,
        redactor: Redactor,
        recorded: Recorded,
        still: Still | None = None,
        logins: Logins = NO_LOGINS,
    ) -> None:
        self._still = still
        self._logins = logins
        self._connection = connection
        self._redactor = redactor.knowing(recorded.secrets)
        self._recorded = recorded

    async def make(self, step: PlanStep) -> Applied:
        """Apply a step, or find it applied. As ``bot.ports.Stacks.apply``."""
        call = self._recorded.calls[step.key]
        make = self._service if step.kind is Kind.SERVICE else self._other
        return await until_in_sequence(lambda: make(step, call))

    async def _other(self, step: PlanStep, call: RecordedCall) -> Applied:
        """A network, a config or a secret."""
        live = await self._find(call.collection, step.name)
        if step.action is PlanAction.CREATE:
            return await self._create(step, call, live)
        found = self._redactor.digest(labelled_form(live["Spec"])) if live else ""
        if found == step.wanted:
            return Applied(changed=False)
        if not live or found != step.base:
            raise StalePlanError(
                f"The {step.kind.value} {step.name} changed since the plan was made.", hint=_HINT
            )
        await self._update(call, live, call.body)
        return Applied(changed=True)

    async def _service(self, step: PlanStep, call: RecordedCall) -> Applied:
        live = await self._find(call.collection, step.name)
        names = {**self._recorded.made, **await names_by_id(self._connection)}
        found = self._redactor.digest(service_form(live["Spec"], names)) if live else ""
        if found == step.wanted:
            return Applied(changed=False, service=wire.service_from(live) if live else None)
        if found != step.base:
            raise self._stale(step, live, names)
        if live and step.action is PlanAction.REMOVE:
            await remove_service(self._connection, str(live["ID"]), self._still)
            return Applied(changed=True)
        body = _with_real_ids(call.body, self._recorded.made, names)
        if live is None:
            await self._attempt_create(call, body)
        else:
            await self._update(call, live, body)
        made = await self._find(call.collection, step.name)
        return Applied(changed=True, service=wire.service_from(made) if made else None)

    async def _create(self, step: PlanStep, call: RecordedCall, live: Json | None) -> Applied:
        if live is None:
            await self._attempt_create(call, call.body)
            return Applied(changed=True)
        if not _is_as_wanted(live, call):
            raise StalePlanError(
                f"Someone replaced the {step.kind.value} {step.name} since the plan was made.",
                hint=_HINT,
            )
        return Applied(changed=False)

    async def _attempt_create(self, call: RecordedCall, body: Json) -> None:
        try:
            headers = self._login(call, body, None)
            path = f"/{call.collection}/create"
            await self._connection.post(path, call.query, body, self._still, headers)
        except SwarmUnavailableError:
            raise
        except SwarmError:
            if await self._find(call.collection, call.name) is None:
                raise
            raise OutOfSequenceError(
                f"Someone else created {call.name} at the same time."
            ) from None

    async def _update(self, call: RecordedCall, live: Json, body: Json) -> None:
        """Post a whole spec, with the version of the spec that was compared."""
        query: dict[str, int | str] = {**call.query, "version": int(live["Version"]["Index"])}
        path = f"/{call.collection}/{live['ID']}/update"
        await self._connection.post(path, query, body, self._still, self._login(call, body, live))

    def _login(self, call: RecordedCall, body: Json, live: Json | None) -> dict[str, str]:
        """The login for a service's image, if its tasks are replaced anyway.

        The swarm keeps a service's login in its template, so another one replaces its tasks.
        """
        if call.collection != "services" or (live and _same_template(live["Spec"], body)):
            return {}
        return self._logins.headers(image(body))

    async def _find(self, collection: str, name: str) -> Json | None:
        """The existing object with exactly this name."""
        filters = {"name": [name]}
        if collection == "networks":
            filters["scope"] = ["swarm"]
        found = await self._connection.list(f"/{collection}", filters)
        return next((raw for raw in found if _name(raw) == name), None)

    def _stale(self, step: PlanStep, live: Json | None, names: Names) -> StalePlanError:
        """The error that says what changed in a service since the plan was made."""
        planned = self._recorded.plan.service(step.name)
        if live is None:
            return StalePlanError(f"{step.name} was removed since the plan was made.", hint=_HINT)
        if not step.base:
            return StalePlanError(
                f"{step.name} was created by someone else since the plan was made.", hint=_HINT
            )
        form = service_form(live["Spec"], names)
        now = fields_of(form, self._redactor, self._recorded.entries)
        found = [each for each in differences(_before(planned), now) if each.changed]
        return StalePlanError(what_changed(step.name, found), hint=_HINT)


_HINT: Final = "Ask for a new plan."


def _same_template(live: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return pruned(live.get("TaskTemplate")) == pruned(body.get("TaskTemplate"))


def _before(planned: ServiceChange | None) -> dict[str, str]:
    fields = planned.fields if planned else ()
    return {each.field: each.old for each in fields if each.old}


def _is_as_wanted(live: Json, call: RecordedCall) -> bool:
    """Whether an existing object of the name equals the one to be created."""
    if call.collection == "networks":
        return bool(live.get("Driver") == (call.body.get("Driver") or live.get("Driver")))
    return labelled_form(live["Spec"]) == labelled_form(call.body)


def _name(raw: Mapping[str, Any]) -> str:
    return str(raw.get("Name") or (raw.get("Spec") or {}).get("Name", ""))


def _with_real_ids(body: Json, made: Names, names: Names) -> Json:
    """The spec with the ids of the configs and secrets that were created since the recording."""
    real = {name: id_ for id_, name in names.items() if id_ not in made}
    container = body["TaskTemplate"].get("ContainerSpec") or {}
    changed = {
        part: [_real(each, kind, made, real) for each in container[part]]
        for part, kind in (("Configs", "Config"), ("Secrets", "Secret"))
        if container.get(part)
    }
    whole = with_credential({**container, **changed}, lambda id_: real.get(made.get(id_, ""), id_))
    template = {**body["TaskTemplate"], "ContainerSpec": whole}
    return {**body, "TaskTemplate": template}


def _real(reference: Json, kind: str, made: Names, real: Mapping[str, str]) -> Json:
    key, name = f"{kind}ID", str(reference.get(f"{kind}Name", ""))
    if reference.get(key) not in made:
        return reference
    if name not in real:
        raise StalePlanError(f"The {kind.lower()} {name} is no longer in the swarm.", hint=_HINT)
    return {**reference, key: real[name]}
