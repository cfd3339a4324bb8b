"""Nodes and join tokens through one manager's engine: implements the port ``Nodes``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.domain.errors import OutOfSequenceError, SupersededError, SwarmError
from bot.domain.swarm.join_tokens import ROLES, fingerprint
from bot.domain.swarm.model import Availability, Node, Task
from bot.ports import Still
from bot.ports.engine import JoinTokens
from bot.swarm import wire
from bot.swarm.connection import Connection, Json
from bot.swarm.sequence import until_in_sequence

T = TypeVar("T")


class DockerNodes:
    """Implements ``bot.ports.engine.Nodes``. Specs are kept whole and in the engine's format."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def node(self, node_id: str) -> Node:
        """One node by its id. Raises NotFoundError."""
        return wire.node_from(await self._inspect(node_id))

    async def tasks_on(self, node_id: str) -> tuple[Task, ...]:
        """All service tasks on a node that the swarm lists, including ended ones."""
        raw = await self._connection.list("/tasks", {"node": [node_id]})
        return tuple(
            wire.task_from(task, up_to_date=True)
            for task in raw
            if task.get("ServiceID") and task.get("NodeID") == node_id
        )

    async def set_availability(
        self, node_id: str, wanted: Availability, *, still: Still | None = None
    ) -> bool:
        """Set a node's availability: one field of its spec, and nothing else.

        As in ``bot.ports.engine.Nodes``.
        """

        async def write() -> bool:
            raw = await self._inspect(node_id)
            if wire.node_from(raw).availability is wanted:
                return False
            spec = {**raw["Spec"], "Availability": wanted.value}
            version = {"version": raw["Version"]["Index"]}
            await self._connection.post(f"/nodes/{raw['ID']}/update", version, spec, still)
            return True

        return await _made(write, "the node")

    async def join_tokens(self) -> JoinTokens:
        """The join tokens and the managers' addresses."""
        swarm, info, nodes = await asyncio.gather(
            self._connection.get("/swarm"),
            self._connection.get("/info"),
            self._connection.list("/nodes", {"role": ["manager"]}),
        )
        own = (info.get("Swarm") or {}).get("NodeID", "")
        return JoinTokens(_tokens(swarm), _addresses(nodes, own))

    async def rotate_token(self, role: str, present: str) -> None:
        """Replace a role's token. As in ``bot.ports.engine.Nodes``."""

        async def write() -> None:
            swarm = await self._connection.get("/swarm")
            if fingerprint(_tokens(swarm)[role]) != present:
                raise SupersededError("Someone else has just rotated that token.")
            params = {"version": swarm["Version"]["Index"], f"rotate{role.title()}Token": "true"}
            await self._connection.post("/swarm/update", params, swarm["Spec"])

        await _made(write, "the swarm")

    async def _inspect(self, node_id: str) -> Json:
        """One node as in the engine. Ids come from the engine, never from a person."""
        return await self._connection.get(f"/nodes/{node_id}")


async def _made(write: Callable[[], Awaitable[T]], what: str) -> T:
    """The result of ``write``, repeated after concurrent writes; an error names ``what``."""
    try:
        return await until_in_sequence(write)
    except OutOfSequenceError as error:
        raise OutOfSequenceError(f"Someone else keeps changing {what}.") from error


def _tokens(swarm: Json) -> dict[str, str]:
    """The join tokens by role. Raises SwarmError when the engine does not show them."""
    found = swarm.get("JoinTokens") or {}
    tokens = {role: str(found.get(role.title()) or "") for role in ROLES}
    if not all(tokens.values()):
        raise SwarmError("The engine does not show the swarm's join tokens.")
    return tokens


def _addresses(nodes: list[Json], own: str) -> tuple[str, ...]:
    """The join addresses of the reachable managers, the engine's own first, then by address."""
    found: list[tuple[bool, str]] = []
    for raw in nodes:
        manager = raw.get("ManagerStatus") or {}
        address = str(manager.get("Addr") or "")
        if address and manager.get("Reachability") == "reachable":
            found.append((raw.get("ID") != own, address))
    return tuple(address for _, address in sorted(found))
