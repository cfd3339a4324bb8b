"""The swarm, through one manager's engine. Methods may raise ``SwarmError`` and its kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.domain.swarm.model import Look, Node, Service, StackLook, Task


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine the bot speaks to. ``node_id`` and ``hostname`` are its own node's."""

    version: str
    api_version: str
    node_id: str
    hostname: str
    is_manager: bool
    swarm_active: bool


@dataclass(frozen=True, slots=True)
class Scaled:
    """What ``set_replicas`` did: ``before`` were wanted, ``changed`` says if an update was made."""

    before: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Updated:
    """What ``force_update`` and ``roll_back`` did.

    ``template`` is the digest of the service's template once it is done, ``changed`` says if this
    call made an update, ``rollback`` whether the swarm itself calls it a roll back.
    """

    template: str
    changed: bool
    rollback: bool


Guard = Callable[[Service], None]
"""Looks at the service as it stands right before a write; raises RefusedError to prevent it."""


class Swarm(Protocol):
    """The swarm, through one manager's engine."""

    async def engine(self) -> EngineInfo:
        """The engine itself; works on workers too."""

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        """All services, or those of one stack, by name."""

    async def service(self, name_or_id: str) -> Service:
        """One service by its full name or id. Raises NotFoundError."""

    async def look(self, service_id: str) -> Look:
        """One service with its tasks and the nodes; ``service`` is None when it is gone."""

    async def stack_look(self, stack: str) -> StackLook:
        """A whole stack at once; every service of the swarm when ``stack`` is empty."""

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes by hostname."""

    async def tasks(self) -> tuple[Task, ...]:
        """Every task of the swarm that is wanted to run, of whatever service."""

    async def tasks_of(self, service_id: str) -> tuple[Task, ...]:
        """The tasks that the swarm still has of a service, also of one that was removed."""

    async def set_replicas(self, service_id: str, replicas: int, guard: Guard) -> Scaled:
        """Make the service want ``replicas`` (for a replicated job: total completions).

        Changes that one field of the spec and nothing else; makes no update when the number is
        there already. ``guard`` sees the spec that each write is based on. A stale version is
        looked up again and retried. After a SwarmUnavailableError the outcome is unknown: calling
        again is safe.
        """

    async def force_update(self, service_id: str, restarts: int, guard: Guard) -> Updated:
        """Replace every task of a service by one of the same spec.

        Sets the counter of forced updates to ``restarts`` and changes nothing else; makes no
        update when the present or the previous spec counts as many already, so calling again is
        safe. ``guard``, stale versions and unknown outcomes as for ``set_replicas``.
        """

    async def roll_back(self, service_id: str, digest: str, guard: Guard) -> Updated:
        """Bring a service's previous spec back, with the replicas that it has now.

        ``digest`` is that of the previous spec. Makes no update when the present spec has it
        already, so calling again is safe. ``guard`` has to see to it that the previous spec still
        has it. Stale versions and unknown outcomes as for ``set_replicas``.
        """

    async def last_lines(self, task: Task, lines: int) -> str:
        """The last lines of a task's log, oldest first; empty when there are none to be had."""

    async def probe_output(self, task: Task) -> str:
        """What the last health probe of an unhealthy task printed; "" for any other task.

        Also "" when it cannot be read from here: only a container's own node knows.
        """

    async def out_of_memory(self, task: Task) -> bool | None:
        """Whether its engine recorded that the kernel killed the task for memory.

        None when that cannot be told from here. A no proves little: engines miss some.
        """
