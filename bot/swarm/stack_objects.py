"""Everything that a stack has in the swarm: implements the port ``StackObjects``."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.domain.jobs.deploy_plan import Kind
from bot.domain.operations.one_off import LABEL as ONE_OFF_LABEL
from bot.domain.operations.one_off import OF_LABEL as ONE_OFF_OF
from bot.domain.operations.stack_removal import OutsideUse, StackContents, StackPart
from bot.ports import Still
from bot.swarm.connection import Connection, Json
from bot.swarm.service_removal import remove_service
from bot.swarm.volumes import mounts_of
from bot.swarm.wire import STACK_LABEL, service_from

_COLLECTIONS: Final = {
    Kind.SERVICE: "services",
    Kind.NETWORK: "networks",
    Kind.CONFIG: "configs",
    Kind.SECRET: "secrets",
}
_CONTAINER: Final = re.compile(r"/containers/([0-9a-f]{64})/")
_SHORT_ID: Final = re.compile(r"[0-9a-f]{12}")


def own_container() -> str:
    """The id of the container in which this process runs, or the start of it; "" for none."""
    mounts = ""
    with suppress(OSError):
        mounts = Path("/proc/self/mountinfo").read_text()
    return container_of(mounts, socket.gethostname())


def container_of(mounts: str, hostname: str) -> str:
    """The id of a container by its mounts: the engine mounts files from the container's folder.

    Without them its name tells, unless it was given another one.
    """
    if found := _CONTAINER.search(mounts):
        return found[1]
    return hostname if _SHORT_ID.fullmatch(hostname) else ""


class DockerStackObjects:
    """Implements ``bot.ports.engine.StackObjects``; ``own`` is the bot's own container."""

    def __init__(self, connection: Connection, own: Callable[[], str] = own_container) -> None:
        self._connection = connection
        self._own = own

    async def names(self) -> tuple[str, ...]:
        """The names of all stacks that have anything in the swarm."""
        lists = await asyncio.gather(*(self._list(kind) for kind in _COLLECTIONS))
        return tuple(sorted({_stack(raw) for listed in lists for raw in listed} - {""}))

    async def of(self, stack: str) -> StackContents:
        """What a stack has in the swarm, and who else uses it."""
        kinds = tuple(_COLLECTIONS)
        lists = await asyncio.gather(*(self._list(kind) for kind in kinds))
        own = {
            kind: [raw for raw in listed if _stack(raw) == stack]
            for kind, listed in zip(kinds, lists, strict=True)
        }
        parts = tuple(_part(kind, raw) for kind, found in own.items() for raw in found)
        others = [raw for raw in lists[0] if _stack(raw) != stack]
        return StackContents(
            stack,
            parts,
            tuple(use for raw in others for use in _uses(raw, parts)),
            await self._volumes(stack, own[Kind.SERVICE]),
            has_bot=await self._has_bot({str(raw["ID"]) for raw in own[Kind.SERVICE]}),
        )

    async def remove(self, kind: Kind, object_id: str, *, still: Still | None = None) -> None:
        """Remove one object; one that is gone is no error."""
        if kind is Kind.SERVICE:
            await remove_service(self._connection, object_id, still)
        else:
            await self._connection.remove(f"/{_COLLECTIONS[kind]}/{object_id}", still)

    async def _list(self, kind: Kind) -> list[Json]:
        return await self._connection.list(f"/{_COLLECTIONS[kind]}")

    async def _volumes(self, stack: str, services: list[Json]) -> tuple[str, ...]:
        """Those that its services mount, and those of the bot's own engine with its label."""
        mounted = {mount.name for raw in services for mount in mounts_of(raw)}
        answer = await self._connection.get("/volumes")
        local = {str(raw["Name"]) for raw in answer.get("Volumes") or [] if _stack(raw) == stack}
        return tuple(sorted(mounted | local))

    async def _has_bot(self, services: set[str]) -> bool:
        own = await asyncio.to_thread(self._own)
        if not own or not services:
            return False
        # The engine refuses to filter by services of which one has just been removed.
        tasks = await self._connection.list("/tasks", {"desired-state": ["running"]})
        mine = (task for task in tasks if task.get("ServiceID") in services)
        return any(_container(task).startswith(own) for task in mine)


def _labels(raw: Json) -> Mapping[str, str]:
    """The labels of an object: those of networks and volumes are not in a spec."""
    return (raw.get("Spec") or raw).get("Labels") or {}


def _stack(raw: Json) -> str:
    return str(_labels(raw).get(STACK_LABEL, ""))


def _part(kind: Kind, raw: Json) -> StackPart:
    if kind is Kind.SERVICE:
        service = service_from(raw)
        count = None if service.mode.is_global else service.replicas
        return StackPart(kind, service.id, service.name, count, service.image)
    name = raw.get("Name") or raw["Spec"]["Name"]
    return StackPart(kind, str(raw.get("Id") or raw["ID"]), str(name))


def _uses(raw: Json, parts: tuple[StackPart, ...]) -> Iterator[OutsideUse]:
    """The objects of the stack that a service of another one refers to, by id or by name."""
    spec, labels = raw["Spec"], _labels(raw)
    referred = {*_references(spec), (Kind.SERVICE, str(labels.get(ONE_OFF_OF, "")))}
    for part in parts:
        if (part.kind, part.id) in referred or (part.kind, part.name) in referred:
            run = str(labels.get(ONE_OFF_LABEL, ""))
            yield OutsideUse(str(spec["Name"]), part.kind, part.name, run)


def _references(spec: Json) -> Iterator[tuple[Kind, str]]:
    """What a service's spec refers to (Engine API, ``ServiceSpec``)."""
    template = spec.get("TaskTemplate") or {}
    for attached in (*(template.get("Networks") or ()), *(spec.get("Networks") or ())):
        yield Kind.NETWORK, str(attached.get("Target", ""))
    container = template.get("ContainerSpec") or {}
    for each in container.get("Configs") or ():
        yield Kind.CONFIG, str(each.get("ConfigID", ""))
    for each in container.get("Secrets") or ():
        yield Kind.SECRET, str(each.get("SecretID", ""))


def _container(task: Json) -> str:
    status = (task.get("Status") or {}).get("ContainerStatus") or {}
    return str(status.get("ContainerID") or "")
