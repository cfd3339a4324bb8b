"""Gathers the input of a plan's warnings: the desired stack and the present swarm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from bot.domain.deploys import warnings as stack_warnings
from bot.domain.deploys.variables import interpolated
from bot.domain.deploys.warnings import Stack, to_ask
from bot.domain.swarm.volumes import volumes_of
from bot.ports.engine import Reachability
from bot.swarm import wire
from bot.swarm.connection import Connection
from bot.swarm.stacks.compose import bodies
from bot.swarm.volumes import DockerVolumes, mounts_of

Json = dict[str, Any]

_UNSUPPORTED: Final = "Ignoring unsupported options: "
_DEPRECATED: Final = "Ignoring deprecated options:"
_OPTION: Final = re.compile(r"(container_name|expose): ")
_OF_NO_NODE: Final = (".", "~")


class Survey:
    """Looks up what a stack needs around it. With ``reachability`` None, no server is checked."""

    def __init__(self, connection: Connection, reachability: Reachability | None) -> None:
        self._connection = connection
        self._volumes = DockerVolumes(connection)
        self._reachability = reachability

    async def warnings(
        self, name: str, document: Mapping[str, Any], specs: Iterable[Json], said: Iterable[str]
    ) -> tuple[str, ...]:
        """The warnings of the bot and of the CLI.

        ``document`` is the compose file with its variables substituted, ``specs`` are those of its
        services, ``said`` the CLI's own warnings.
        """
        raw = [{"Spec": spec} for spec in specs]
        ignored, others = _ignored(said)
        live, nodes = await asyncio.gather(self._volumes.live(), self._connection.list("/nodes"))
        volumes = volumes_of((mount for each in raw for mount in mounts_of(each)), live)
        servers = sorted(to_ask(volumes)) if self._reachability else []
        answers = await asyncio.gather(
            *(self._reachability.tcp(*s) for s in servers if self._reachability)
        )
        stack = Stack(
            name,
            services=tuple(wire.service_from(each) for each in raw),
            volumes=volumes,
            reached=dict(zip(servers, answers, strict=True)),
            nodes=wire.nodes_from(nodes),
            relative=tuple(_relative(document, name)),
            ignored=ignored,
        )
        return (*stack_warnings.warnings(stack), *others)


def filled_in(document: Mapping[str, Any], variables: Mapping[str, str]) -> Json:
    """A compose file with its variables substituted."""
    filled = interpolated(dict(document), variables)
    return filled if isinstance(filled, dict) else {}


def _ignored(said: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The options that the CLI reports as ignored, and its other warnings."""
    options: list[str] = []
    others: list[str] = []
    for paragraph in said:
        if paragraph.startswith(_UNSUPPORTED):
            options += paragraph.removeprefix(_UNSUPPORTED).split(", ")
        elif found := _OPTION.match(paragraph):
            options.append(found[1])
        elif paragraph != _DEPRECATED:
            others.append(paragraph)
    return tuple(dict.fromkeys(options)), tuple(others)


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
