"""The swarm, through one manager's engine. Methods may raise ``SwarmError`` and its subclasses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.swarm.model import Look, Node, Platform, Service, StackLook, Task
from bot.ports.authority import Still


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that the bot uses. ``node_id`` and ``hostname`` are those of its node."""

    version: str
    api_version: str
    node_id: str
    hostname: str
    is_manager: bool
    swarm_active: bool


@dataclass(frozen=True, slots=True)
class Scaled:
    """The result of ``set_replicas``: ``before`` is the old number.

    ``changed`` says whether an update was made.
    """

    before: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Updated:
    """The result of ``force_update``, ``set_image`` and ``roll_back``.

    ``template`` is the digest of the service's template afterwards, ``changed`` says whether this
    call made an update, ``rollback`` whether the swarm itself treats it as a rollback.
    """

    template: str
    changed: bool
    rollback: bool


class Looks(Protocol):
    """Looks for answers. What is decided on before a change is read with ``Swarm`` instead."""

    async def stack_look(self, stack: str) -> StackLook:
        """As ``Swarm.stack_look``, but possibly from memory: seconds old at most."""

    async def services(self, stack: str) -> tuple[Service, ...]:
        """As ``Swarm.services``, but possibly from memory: seconds old at most."""


Guard = Callable[[Service], None]
"""Checks a service right before a write; raises RefusedError to prevent it."""


class Swarm(Protocol):
    """The swarm, through one manager's engine.

    A write has the version of the object that was read for it, and ``still`` is asked after that
    read, right before the write. So a replica that has lost its lease cannot undo what the next one
    did: either ``still`` says so (LeaseLostError), or the version is outdated. Then the object is
    read, ``guard`` and ``still`` are asked again.
    """

    async def engine(self) -> EngineInfo:
        """The engine itself; also works on workers."""

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        """All services, or those of one stack, by name."""

    async def service(self, name_or_id: str) -> Service:
        """One service by its full name or id. Raises NotFoundError."""

    async def look(self, service_id: str) -> Look:
        """One service with its tasks and the nodes; ``service`` is None if it does not exist."""

    async def stack_look(self, stack: str) -> StackLook:
        """All services of a stack, or of the swarm if ``stack`` is empty."""

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes by hostname."""

    async def tasks(self) -> tuple[Task, ...]:
        """All tasks of the swarm with desired state running, of any service."""

    async def tasks_of(self, service_ids: Collection[str]) -> tuple[Task, ...]:
        """All tasks of some services that the swarm still lists; the services may be removed."""

    async def set_replicas(
        self, service_id: str, replicas: int, guard: Guard, *, still: Still
    ) -> Scaled:
        """Set the service's number of replicas (for a replicated job: total completions).

        Changes only that field of the spec, and makes no update if it has the value already.
        ``guard`` is called with the spec on which each write is based. An outdated version is read
        again and the write is repeated. After a SwarmUnavailableError the outcome is unknown;
        calling again is safe.
        """

    async def force_update(
        self, service_id: str, restarts: int, guard: Guard, *, still: Still
    ) -> Updated:
        """Replace every task of a service without changing its spec.

        Sets the counter of forced updates to ``restarts`` and changes nothing else. Makes no update
        if the present or the previous spec already has that count, so calling again is safe.
        ``guard``, outdated versions and unknown outcomes as for ``set_replicas``.
        """

    async def set_image(
        self,
        service_id: str,
        image: str,
        platforms: Sequence[Platform],
        guard: Guard,
        *,
        still: Still,
        restarts: int = 0,
    ) -> Updated:
        """Set a service's image and the platforms of it that the scheduler goes by.

        Its nodes get the present login of its registry. Makes no update if it has the image
        already, and a counter of forced updates of at least ``restarts``; else that counter is set,
        too: the swarm does not tell which login it has. Changes nothing else. ``guard``, outdated
        versions and unknown outcomes as for ``set_replicas``.
        """

    async def resume(self, service_id: str, started: float, *, still: Still) -> Updated:
        """Go on with a service's paused update, or its paused rollback.

        ``started`` is the start of that update (Unix seconds). Makes no update if it is not paused
        any more, so calling again is safe. Outdated versions and unknown outcomes as for
        ``set_replicas``.
        """

    async def roll_back(
        self, service_id: str, digest: str, guard: Guard, *, still: Still
    ) -> Updated:
        """Restore a service's previous spec, keeping its present number of replicas.

        ``digest`` is that of the previous spec. Makes no update if the present spec already has it,
        so calling again is safe. ``guard`` must check that the previous spec still has it. Outdated
        versions and unknown outcomes as for ``set_replicas``.
        """

    async def last_lines(self, task: Task, lines: int) -> str:
        """The last lines of a task's log, oldest first; empty if none are available."""

    async def probe_output(self, task: Task) -> str:
        """The output of an unhealthy task's last health probe; "" for other tasks.

        Also "" if it cannot be read from here: only the container's own node has it.
        """

    async def out_of_memory(self, task: Task) -> bool | None:
        """Whether the engine recorded that the kernel killed the task for memory.

        None if that is unknown here. A no is weak evidence, because engines miss some kills.
        """
