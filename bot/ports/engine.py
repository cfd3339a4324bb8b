"""Interfaces for commands that read the engine, for node commands and for the network.

Like the ports in ``bot.ports``, these are implemented by adapters and used by handlers. Each method
may raise ``SwarmError`` and its subclasses, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.jobs.deploy_plan import Kind
from bot.domain.operations.stack_removal import StackContents
from bot.domain.swarm.model import Availability, Node, Task
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.service_log import ServiceLog
from bot.domain.swarm.volumes import LiveVolume, VolumeMount
from bot.ports.authority import Still


@dataclass(frozen=True, slots=True)
class JoinTokens:
    """How nodes join the swarm. Tokens are secrets and hidden from ``repr``.

    ``tokens`` are by role (``worker``, ``manager``). ``addresses`` are those of the reachable
    managers (``10.0.0.1:2377``), the engine's own first.
    """

    tokens: Mapping[str, str] = field(repr=False)
    addresses: tuple[str, ...]


class Nodes(Protocol):
    """Reads and changes the swarm's nodes."""

    async def node(self, node_id: str) -> Node:
        """One node by its id. Raises NotFoundError."""

    async def tasks_on(self, node_id: str) -> tuple[Task, ...]:
        """All service tasks on a node that the swarm lists, including ended ones."""

    async def set_availability(self, node_id: str, wanted: Availability, *, still: Still) -> bool:
        """Set a node's availability; returns whether an update was made.

        Changes only that field of the node's spec, and makes no update if it has the value already.
        An outdated version is read again and the write is repeated; ``still`` as for the writes of
        ``bot.ports.Swarm``. After a SwarmUnavailableError
        the outcome is unknown; calling again is safe.
        """

    async def join_tokens(self) -> JoinTokens:
        """The join tokens and the managers' addresses."""

    async def rotate_token(self, role: str, present: str) -> None:
        """Replace a role's token, which then no longer works.

        ``present`` is the fingerprint of the token to replace (``bot.domain.swarm.join_tokens``).
        After a SwarmUnavailableError the outcome is unknown; calling again is safe.

        Raises:
            SupersededError: the present token is another one.
        """


class ServiceLogs(Protocol):
    """Reads service logs from the nodes."""

    async def service_log(
        self,
        service_id: str,
        since: float,
        lines: int,
        *,
        tasks: frozenset[str] | None = None,
        seconds: float = 4.0,
    ) -> ServiceLog:
        """The last ``lines`` lines of all tasks together, since a Unix time (0.0: no limit).

        With ``tasks``, those of the tasks with these ids only.
        Values that look secret are masked. Lines that do not arrive within ``seconds`` are left
        out, and the log says so: those are the newest ones.
        """

    async def log_while(
        self, service_id: str, lines: int, work: Callable[[], Awaitable[None]]
    ) -> ServiceLog:
        """The last ``lines`` lines of all tasks, and those written while ``work`` is done.

        ``work`` begins when the log does, and is done even if the log cannot be read.
        """


class OneOffs(Protocol):
    """Makes and removes the services of one-off tasks."""

    async def create(
        self,
        like: str,
        name: str,
        arguments: Sequence[str],
        labels: Mapping[str, str],
        *,
        still: Still,
    ) -> str:
        """Run a command once, in a container like those of the service with the id ``like``.

        Returns the id of the new service, or of the one that has that name and these labels
        already, so calling again is safe. ``still`` is asked right before the write. Its image is
        pulled with the bot's own login. Raises RefusedError for what the engine does not accept.
        """

    async def remove(self, service_id: str, *, still: Still | None) -> None:
        """Remove such a service, which also stops its container; one that is gone is no error."""


class StackObjects(Protocol):
    """Reads and removes what a stack has in the swarm."""

    async def names(self) -> tuple[str, ...]:
        """The names of all stacks that have anything in the swarm."""

    async def of(self, stack: str) -> StackContents:
        """What a stack has in the swarm, and who else uses it; nothing for an unknown one."""

    async def remove(self, kind: Kind, object_id: str, *, still: Still) -> None:
        """Remove one object by its id; one that is gone is no error, so calling again is safe.

        Raises SwarmError if it is in use. ``still`` is asked right before the write.
        """


class Volumes(Protocol):
    """Reads volumes from service specs and from the bot's engine."""

    async def mounted(self, stack: str) -> tuple[VolumeMount, ...]:
        """The volumes that the services of a stack mount (of all services for ""), by name."""

    async def live(self) -> Mapping[str, LiveVolume]:
        """The volumes of the bot's own engine and of the swarm, by their keys.

        Other nodes cannot be queried.
        """

    async def content_at(self, service_id: str, path: str) -> str:
        """What a service has at a path of its containers, as ``config site``; "" for neither."""


class Reachability(Protocol):
    """Checks whether a server answers, seen from the bot."""

    async def tcp(self, host: str, port: int) -> Reach:
        """Try to connect for a few seconds. Raises nothing."""
