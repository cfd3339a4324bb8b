"""The swarm through one manager's engine: implements the port ``Swarm`` with the docker SDK."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from docker import APIClient

from bot.domain.errors import (
    NotAManagerError,
    NotFoundError,
    RefusedError,
    SwarmError,
)
from bot.domain.swarm.model import Look, Node, Platform, Service, StackLook, Task, UpdateState
from bot.ports import EngineInfo, Guard, Scaled, Still, Updated
from bot.swarm import specs, wire
from bot.swarm.comparison import ComparedTask, Comparison, template
from bot.swarm.connection import Connection, Filters, Json, url
from bot.swarm.failures import CLIENT_ERRORS
from bot.swarm.logins import NO_LOGINS, Logins
from bot.swarm.logs import MOST_BYTES, Demultiplexer, readable
from bot.swarm.sequence import until_in_sequence

T = TypeVar("T")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WANTED: Final = ["running", "ready", "accepted", "complete"]
_PAUSED: Final = frozenset({UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED})
_LOG_SECONDS: Final = 2.5
_OOM_PAUSES: Final = (0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class _Write:
    """A service update: the whole desired spec, and the engine's options.

    ``headers`` may have a registry's login, which replaces the one that the swarm keeps.
    """

    spec: Json
    options: dict[str, str]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


_Plan = Callable[[Json, Service], _Write | None]
"""Returns what to write for the present service; None if nothing is left to do."""


class DockerSwarm:
    """Implements ``bot.ports.Swarm``. Specs are kept whole and in the engine's format.

    ``base_url`` and ``timeout`` as for ``Connection``; ``logins`` are for the images that it sets.
    """

    def __init__(
        self, base_url: str = "", timeout: float = 30.0, *, logins: Logins = NO_LOGINS
    ) -> None:
        self._connection = Connection(base_url, timeout)
        self._logins = logins
        self._nodes: tuple[Node, ...] = ()

    async def aclose(self) -> None:
        """Close the connections to the engine."""
        self._connection.close()

    async def engine(self) -> EngineInfo:
        """The engine itself; also works on workers."""
        info = await self._connection.get("/info")
        api_version = await self._connection.call(lambda client: client.api_version)
        swarm = info.get("Swarm") or {}
        return EngineInfo(
            version=str(info.get("ServerVersion", "")),
            api_version=str(api_version),
            node_id=str(swarm.get("NodeID", "")),
            hostname=str(info.get("Name", "")),
            is_manager=bool(swarm.get("ControlAvailable")),
            swarm_active=swarm.get("LocalNodeState") == "active",
        )

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        """All services, or those of one stack, by name."""
        found = await self._each("/services", wire.service_from, _of_stack(stack))
        return tuple(sorted(found, key=lambda service: service.name))

    async def service(self, name_or_id: str) -> Service:
        """One service by its full name or id. Raises NotFoundError."""
        service = wire.service_from(await self._inspect(name_or_id))
        if name_or_id not in {service.name, service.id}:
            raise _no_service(name_or_id)  # the engine also accepts id prefixes
        return service

    async def look(self, service_id: str) -> Look:
        """One service with its tasks and the nodes; ``service`` is None if it does not exist.

        The service is read first: tasks read before the desired number could look complete when
        they are not.
        """
        at = time.time()
        try:
            service = wire.service_from(await self._inspect(service_id))
            tasks, nodes = await self._tasks_and_nodes({"service": [service.id]})
        except NotFoundError:
            return Look(at, None, (), await self.nodes())
        return Look(at, service, tasks, nodes)

    async def stack_look(self, stack: str) -> StackLook:
        """All services of a stack, or of the swarm if ``stack`` is empty."""
        at = time.time()
        services = await self.services(stack)
        tasks, nodes = await self._tasks_and_nodes(_of_stack(stack))
        return StackLook(at, stack, services, _of(services, tasks), nodes)

    async def services_look(self, service_ids: frozenset[str]) -> StackLook:
        """The existing ones of some services at once; for a polling feed.

        Whether a task is up to date is computed from the templates, which saves one of four calls.
        """
        at = time.time()
        known = Comparison(await self._each("/services", template, {"id": sorted(service_ids)}))
        tasks: tuple[ComparedTask | None, ...] = ()
        with suppress(NotFoundError):
            if known.service_ids:
                tasks = await self._each("/tasks", known.task, {"service": known.service_ids})
        return await asyncio.to_thread(known.look, at, tasks, await self.nodes())

    async def whole_look(self) -> StackLook:
        """All services of the swarm, with one call less than ``stack_look``; for polling."""
        at = time.time()
        known = Comparison(await self._each("/services", template))
        tasks = await self._each("/tasks", known.task)
        return await asyncio.to_thread(known.look, at, tasks, await self.nodes())

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes by hostname. Equal ones are the same value in all looks.

        A job that drains a node keeps a look for each of its services.
        """
        found = wire.by_hostname(await self._each("/nodes", wire.node_from))
        self._nodes = wire.as_known(found, self._nodes)
        return self._nodes

    async def tasks(self) -> tuple[Task, ...]:
        """All tasks of the swarm with desired state running, of any service."""
        return await self._tasks({"desired-state": _WANTED})

    async def tasks_of(self, service_ids: Collection[str]) -> tuple[Task, ...]:
        """All tasks of some services that the swarm still lists; the services may be removed.

        The engine refuses to filter by a removed service.
        """
        tasks = await self._each("/tasks", partial(wire.task_from, up_to_date=False))
        return tuple(task for task in tasks if task.service_id in service_ids)

    async def set_replicas(
        self, service_id: str, replicas: int, guard: Guard, *, still: Still | None = None
    ) -> Scaled:
        """Set the number of replicas: one field of the spec, and nothing else.

        As in ``bot.ports.Swarm``. Raises RefusedError for a global service.
        """

        def plan(raw: Json, service: Service) -> _Write | None:
            guard(service)
            if service.replicas is None:
                raise RefusedError(f"{service.name} is a global service: it cannot be scaled.")
            if service.replicas == replicas:
                return None
            return _Write(specs.with_replicas(raw["Spec"], replicas), {})

        service, written = await self._change(service_id, plan, still)
        return Scaled(service.replicas or 0, changed=written is not None)

    async def force_update(
        self, service_id: str, restarts: int, guard: Guard, *, still: Still | None = None
    ) -> Updated:
        """Set a service's counter of forced updates to ``restarts``, and change nothing else.

        As in ``bot.ports.Swarm``.
        """

        def plan(raw: Json, service: Service) -> _Write | None:
            if service.restarts >= restarts:
                return None
            guard(service)
            return _Write(specs.with_restarts(raw["Spec"], restarts), {})

        service, written = await self._change(service_id, plan, still)
        return _updated(service, written)

    async def set_image(
        self,
        service_id: str,
        image: str,
        platforms: Sequence[Platform],
        guard: Guard,
        *,
        still: Still | None = None,
        restarts: int = 0,
    ) -> Updated:
        """Set a service's image and its platforms, and hand its nodes the registry's login.

        As in ``bot.ports.Swarm``.
        """

        def plan(raw: Json, service: Service) -> _Write | None:
            if service.image == image and service.restarts >= restarts:
                return None
            guard(service)
            spec = specs.with_image(raw["Spec"], image, platforms)
            if service.restarts < restarts:
                spec = specs.with_restarts(spec, restarts)
            return _Write(spec, {}, self._logins.headers(image))

        service, written = await self._change(service_id, plan, still)
        return _updated(service, written)

    async def resume(
        self, service_id: str, started: float, *, still: Still | None = None
    ) -> Updated:
        """Go on with the update that began at ``started``, if it is still paused.

        As in ``bot.ports.Swarm``. Any write of the service makes swarmkit's updater run again
        (manager/controlapi/service.go clears the update status), so the spec is written as it is.
        """

        def plan(raw: Json, service: Service) -> _Write | None:
            if service.update not in _PAUSED or (service.update_started or 0.0) != started:
                return None
            return _Write(raw["Spec"], {})

        service, written = await self._change(service_id, plan, still)
        return _updated(service, written)

    async def roll_back(
        self, service_id: str, digest: str, guard: Guard, *, still: Still | None = None
    ) -> Updated:
        """Restore the previous spec with the present number of replicas.

        As in ``bot.ports.Swarm``. If both specs have the same number, this is the engine's own
        rollback. If not, it is an update, for which the engine uses the registry credentials of the
        previous spec.
        """

        def plan(raw: Json, service: Service) -> _Write | None:
            if specs.digest(raw["Spec"]) == digest:
                return None
            guard(service)
            spec = specs.with_replicas_of(raw["PreviousSpec"], raw["Spec"])
            if spec == raw["PreviousSpec"]:
                return _Write(spec, {"rollback": "previous"})
            return _Write(spec, {"registryAuthFrom": "previous-spec"})

        service, written = await self._change(service_id, plan, still)
        return _updated(service, written)

    async def last_lines(self, task: Task, lines: int) -> str:
        """The last lines of a task's log, oldest first; empty if none are available.

        Takes at most about five seconds, because the log of a node that is down never arrives.
        """
        try:
            log = await self._connection.call(lambda client: _read_log(client, task.id, lines))
        except SwarmError:
            return ""
        return readable(log, lines)

    async def probe_output(self, task: Task) -> str:
        """The output of an unhealthy task's last health probe; "" for other tasks.

        Also "" if it cannot be read from here: only the container's own node has it.
        """
        health = (await self._container_state(task)).get("Health") or {}
        probes = health.get("Log") or []
        failed = health.get("Status") == "unhealthy" and probes
        output = str(probes[-1].get("Output", "")) if failed else ""
        return readable(output.encode()[-MOST_BYTES:], lines=40)

    async def out_of_memory(self, task: Task) -> bool | None:
        """Whether the engine recorded that the kernel killed the task for memory.

        None if that is unknown here. The engine learns of the kill and of the container's end in
        either order, so after a no it is asked again for a second. A final no is weak evidence: of
        a hundred containers killed for memory on a busy lab, three were never recorded.
        """
        killed = (await self._container_state(task)).get("OOMKilled")
        for pause in _OOM_PAUSES:
            if killed is not False:
                break
            await asyncio.sleep(pause)
            killed = (await self._container_state(task)).get("OOMKilled")
        return killed if isinstance(killed, bool) else None

    async def _each(
        self, path: str, keep: Callable[[Json], T], filters: Filters | None = None
    ) -> tuple[T, ...]:
        return await self._as_manager(self._connection.each(path, keep, filters))

    async def _as_manager(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except NotAManagerError as error:
            raise await self._managers_named(error) from error.__cause__

    async def _inspect(self, name_or_id: str) -> Json:
        """One service as in the engine, without the defaults filled in."""
        if not _NAME.fullmatch(name_or_id):
            raise _no_service(name_or_id)
        return await self._as_manager(self._connection.get(f"/services/{name_or_id}"))

    async def _tasks_and_nodes(self, filters: Filters) -> tuple[tuple[Task, ...], tuple[Node, ...]]:
        return await asyncio.gather(self._tasks(filters), self.nodes())

    async def _tasks(self, filters: Filters) -> tuple[Task, ...]:
        tasks, current = await asyncio.gather(
            self._each("/tasks", partial(wire.task_from, up_to_date=True), filters),
            self._each("/tasks", _id, {**filters, "_up-to-date": ["true"]}),
        )
        ids = frozenset(current)
        return tuple(t if t.id in ids else replace(t, up_to_date=False) for t in tasks)

    async def _change(
        self, service_id: str, plan: _Plan, still: Still | None
    ) -> tuple[Service, _Write | None]:
        """Update a service once as planned; with an outdated version it is read and planned again.

        Returns the service before the update, and the update, None if none was made.
        """

        async def write() -> tuple[Service, _Write | None]:
            raw = await self._inspect(service_id)
            service = wire.service_from(raw)
            planned = plan(raw, service)
            if planned is not None:
                await self._update(raw, planned, still)
            return service, planned

        return await until_in_sequence(write)

    async def _update(self, raw: Json, write: _Write, still: Still | None) -> None:
        """Post a whole spec.

        The SDK's own ``update_service`` would leave out fields and send registry credentials of
        this machine; without any, the engine keeps the present ones.
        """
        path = f"/services/{raw['ID']}/update"
        params = {"version": raw["Version"]["Index"], **write.options}
        post = self._connection.post(path, params, write.spec, still, write.headers)
        await self._as_manager(post)

    async def _container_state(self, task: Task) -> Json:
        """The state of a task's container, empty for a container on another node."""
        if not task.container_id:
            return {}
        try:
            container = await self._connection.get(f"/containers/{task.container_id}/json")
        except SwarmError:
            return {}
        state: Json = container.get("State") or {}
        return state

    async def _managers_named(self, error: NotAManagerError) -> NotAManagerError:
        """The same error with the addresses of the managers."""
        try:
            info = await self._connection.get("/info")
        except SwarmError:
            return error
        swarm, name = info.get("Swarm") or {}, info.get("Name", "this engine")
        managers = [entry.get("Addr", "") for entry in swarm.get("RemoteManagers") or []]
        if not managers:
            return NotAManagerError(
                f"The engine of {name} is not in a swarm.",
                hint="Join it to one as a manager, or point DOCKER_HOST at a manager.",
            )
        hosts = ", ".join(sorted(address.rpartition(":")[0] for address in managers))
        return NotAManagerError(
            f"The engine of {name} is a worker, not a manager.",
            hint=f"Point DOCKER_HOST at a manager ({hosts}), or run the bot on one.",
        )


def _of_stack(stack: str) -> dict[str, list[str]]:
    return {"label": [f"{wire.STACK_LABEL}={stack}"]} if stack else {}


def _of(services: Iterable[Service], tasks: Iterable[Task]) -> tuple[Task, ...]:
    ids = {service.id for service in services}
    return tuple(task for task in tasks if task.service_id in ids)


def _id(raw: Json) -> str:
    found: str = raw["ID"]
    return found


def _no_service(name: str) -> NotFoundError:
    return NotFoundError(f"There is no service {name}.")


def _updated(service: Service, write: _Write | None) -> Updated:
    """The result of a change of a service; without a write it was already made."""
    if write is None:
        return Updated(service.template, changed=False, rollback=service.update.is_roll_back)
    template = wire.template_digest(write.spec)
    return Updated(template, changed=True, rollback="rollback" in write.options)


def _read_log(client: APIClient, task_id: str, lines: int) -> bytes:
    """The end of a task's log, as far as it arrives in time."""
    deadline = time.monotonic() + _LOG_SECONDS
    frames = Demultiplexer()
    with client.get(
        url(client, f"/tasks/{task_id}/logs"),
        params={"stdout": 1, "stderr": 1, "tail": lines},
        stream=True,
        timeout=_LOG_SECONDS,
    ) as answer:
        answer.raise_for_status()
        with suppress(*CLIENT_ERRORS):
            for data in answer.iter_content(None):
                frames.feed(data)
                if time.monotonic() > deadline:
                    break
    return frames.text()
