"""Gathers the input of a plan's warnings: the desired stack and the present swarm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.deploys import warnings as stack_warnings
from bot.domain.deploys.foreseen import Coming, Foreseen, foresee
from bot.domain.deploys.redaction import Redactor
from bot.domain.deploys.variables import interpolated
from bot.domain.deploys.warnings import KeptNetwork, Stack, to_ask
from bot.domain.jobs.deploy_plan import PlanAction
from bot.domain.swarm.volumes import volumes_of
from bot.ports.engine import Reachability
from bot.swarm import wire
from bot.swarm.connection import Connection
from bot.swarm.stacks.compose import bodies
from bot.swarm.stacks.dry_run import RecordedCall
from bot.swarm.stacks.normal import publish_mode
from bot.swarm.stacks.planning import Recorded
from bot.swarm.volumes import DockerVolumes, mounts_of

Json = dict[str, Any]

_UNSUPPORTED: Final = "Ignoring unsupported options: "
_DEPRECATED: Final = "Ignoring deprecated options:"
_ADDRESS: Final = re.compile(r"ignoring IP-address \((.+?)\)")
_ADDRESSES: Final = ("ipv4_address", "ipv6_address")
_OPTION: Final = re.compile(r"(container_name|expose): ")
_OF_NO_NODE: Final = (".", "~")


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a stack before its surroundings are looked at.

    ``document`` is the compose file with its variables substituted, ``specs`` are those of its
    services, ``said`` the CLI's own warnings. The others are as in
    ``bot.domain.deploys.warnings.Stack``.
    """

    name: str
    document: Mapping[str, Any]
    specs: tuple[Json, ...] = ()
    said: tuple[str, ...] = ()
    networks: tuple[KeptNetwork, ...] = ()
    dropped: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    unknown_tags: Mapping[str, str] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)
    nested: tuple[str, ...] = ()
    drivers: tuple[tuple[str, str, str], ...] = ()


class Survey:
    """Looks up what a stack needs around it. With ``reachability`` None, no server is checked."""

    def __init__(self, connection: Connection, reachability: Reachability | None) -> None:
        self._connection = connection
        self._volumes = DockerVolumes(connection)
        self._reachability = reachability

    async def warnings(self, found: Found, redactor: Redactor) -> tuple[str, ...]:
        """The warnings of the bot and of the CLI. ``redactor`` knows the stack's secrets."""
        raw = [{"Spec": spec} for spec in found.specs]
        said = _sorted_out(found.said)
        live, nodes = await asyncio.gather(self._volumes.live(), self._connection.list("/nodes"))
        volumes = volumes_of((mount for each in raw for mount in mounts_of(each)), live)
        servers = sorted(to_ask(volumes)) if self._reachability else []
        answers = await asyncio.gather(
            *(self._reachability.tcp(*s) for s in servers if self._reachability)
        )
        stack = Stack(
            found.name,
            services=tuple(wire.service_from(each) for each in raw),
            volumes=volumes,
            reached=dict(zip(servers, answers, strict=True)),
            nodes=wire.by_hostname(map(wire.node_from, nodes)),
            relative=tuple(_relative(found.document, found.name)),
            ignored=(*said.ignored, *_unmentioned(found.document)),
            networks=found.networks,
            dropped=found.dropped,
            unknown_tags=found.unknown_tags,
            unresolved=found.unresolved,
            odd_ports=tuple(_odd_ports(found.specs)),
            bound_ports=said.bound_ports,
            nested=found.nested,
            drivers=found.drivers,
        )
        told = (*stack_warnings.warnings(stack, redactor.both), *said.others)
        return tuple(map(redactor.text, told))

    async def foreseen(self, recorded: Recorded, seen: Mapping[str, Json]) -> Foreseen:
        """Which tasks of the plan's services will find no node."""
        calls = [
            recorded.calls[step.key]
            for step in recorded.plan.steps
            if step.kind.value == "service" and step.action is not PlanAction.REMOVE
        ]
        if not calls:
            return Foreseen()
        nodes, tasks = await asyncio.gather(
            self._connection.list("/nodes"),
            self._connection.list("/tasks", {"desired-state": ["running"]}),
        )
        # In a thread: a large swarm takes a second, in which the bot must renew its leases.
        return await asyncio.to_thread(_foreseen, calls, seen, nodes, tasks)


def _foreseen(
    calls: Iterable[RecordedCall], seen: Mapping[str, Json], nodes: list[Json], tasks: list[Json]
) -> Foreseen:
    coming = [_coming(call.id, call.body, seen.get(call.id, {})) for call in calls]
    present = [wire.task_from(raw, up_to_date=True) for raw in tasks]
    return foresee(coming, wire.by_hostname(map(wire.node_from, nodes)), present)


def _coming(id_: str, spec: Json, live: Json) -> Coming:
    """A service as it would be; ``live`` is the present one, empty if there is none."""
    service = wire.service_from({"ID": id_, "Spec": spec})
    old = live.get("Spec") or {}
    replaces = bool(old) and wire.template_digest(old) != service.template
    order = (spec.get("UpdateConfig") or {}).get("Order")
    return Coming(service, replaces=replaces, starts_first=order == "start-first")


def filled_in(document: Mapping[str, Any], variables: Mapping[str, str]) -> Json:
    """A compose file with its variables substituted."""
    filled = interpolated(dict(document), variables)
    return filled if isinstance(filled, dict) else {}


@dataclass(frozen=True, slots=True)
class _Said:
    """The CLI's warnings: ignored options, ports whose address it ignores, and the others."""

    ignored: tuple[str, ...]
    bound_ports: tuple[str, ...]
    others: tuple[str, ...]


def _sorted_out(said: Iterable[str]) -> _Said:
    options: list[str] = []
    ports: list[str] = []
    others: list[str] = []
    for paragraph in said:
        if paragraph.startswith(_UNSUPPORTED):
            options += paragraph.removeprefix(_UNSUPPORTED).split(", ")
        elif found := _OPTION.match(paragraph):
            options.append(found[1])
        elif addresses := _ADDRESS.findall(paragraph):
            ports += addresses
        elif paragraph != _DEPRECATED:
            others.append(paragraph)
    return _Said(tuple(dict.fromkeys(options)), tuple(dict.fromkeys(ports)), tuple(sorted(others)))


def _unmentioned(document: Mapping[str, Any]) -> Iterator[str]:
    """The options that the CLI ignores without saying so."""
    used = [body for _, body in bodies(document, "services")]
    networks = [body for service in used for _, body in bodies(service, "networks")]
    if any("tmpfs" in service for service in used):
        yield "tmpfs"
    volumes = [each for service in used for each in service.get("volumes") or []]
    if any(isinstance(each, Mapping) and "consistency" in each for each in volumes):
        yield "consistency"
    yield from (name for name in _ADDRESSES if any(name in network for network in networks))


def _odd_ports(specs: Iterable[Json]) -> Iterator[tuple[str, str, str]]:
    """Services and ports with a publish mode that does not exist, and that mode."""
    for spec in specs:
        for port in (spec.get("EndpointSpec") or {}).get("Ports") or []:
            mode = port.get("PublishMode") or "ingress"
            if mode != publish_mode(port):
                yield str(spec.get("Name", "")), str(port.get("TargetPort", "")), mode


def _relative(document: Mapping[str, Any], stack: str) -> Iterator[tuple[str, str]]:
    """The bind mounts of relative paths, which the CLI resolves in its own working directory."""
    for name, body in bodies(document, "services"):
        for volume in body.get("volumes") or []:
            path = _bound(volume)
            if path.startswith(_OF_NO_NODE):
                yield f"{stack}_{name}", path


def homes(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The bind mounts of paths in a home directory: the service, and the path as written."""
    for name, body in bodies(document, "services"):
        for volume in body.get("volumes") or []:
            if (path := _bound(volume)).startswith("~"):
                yield name, path


def _bound(volume: object) -> str:
    """The source of a bind mount in a service's ``volumes``, "" for any other mount."""
    if isinstance(volume, str):
        return volume.partition(":")[0] if ":" in volume else ""
    if isinstance(volume, Mapping) and volume.get("type") == "bind":
        return str(volume.get("source", ""))
    return ""
