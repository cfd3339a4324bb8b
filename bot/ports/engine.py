"""What looking commands and node commands ask of the engine, and of the network around it.

Ports like those of ``bot.ports``: adapters implement them, handlers know no more. Each method may
raise ``SwarmError`` and its kinds, if it does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.swarm.model import Availability, Node, Task
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.service_log import ServiceLog
from bot.domain.swarm.volumes import LiveVolume, VolumeMount


@dataclass(frozen=True, slots=True)
class JoinTokens:
    """How a node joins the swarm. Tokens are secrets: no ``repr`` shows them.

    ``tokens`` are by role (``worker``, ``manager``), ``addresses`` are those of the managers that
    can be reached (``10.0.0.1:2377``), the engine's own first.
    """

    tokens: Mapping[str, str] = field(repr=False)
    addresses: tuple[str, ...]


class Nodes(Protocol):
    """The nodes of the swarm, to be changed."""

    async def node(self, node_id: str) -> Node:
        """One node by its id. Raises NotFoundError."""

    async def tasks_on(self, node_id: str) -> tuple[Task, ...]:
        """Every task of a service that the swarm knows on a node, ended ones included."""

    async def set_availability(self, node_id: str, wanted: Availability) -> bool:
        """Make a node available or not; returns whether an update was made.

        Changes that one field of the node's spec, and nothing when it is so already. A stale
        version is looked up again and retried. After a SwarmUnavailableError the outcome is
        unknown: calling again is safe.
        """

    async def join_tokens(self) -> JoinTokens:
        """The tokens by which nodes join, and where."""

    async def rotate_token(self, role: str, present: str) -> None:
        """Replace the token of a role by a new one: nobody joins with the old one any more.

        ``present`` is the fingerprint of the token that is to go
        (``bot.domain.swarm.join_tokens``). Raises SupersededError when another one is there. After
        a SwarmUnavailableError the outcome is unknown: calling again is safe.
        """


class ServiceLogs(Protocol):
    """The logs of services, as their nodes keep them."""

    async def service_log(self, service_id: str, since: float, lines: int) -> ServiceLog:
        """The last ``lines`` lines of all tasks together, those since a Unix time (0.0: ever).

        What looks secret in them is masked. Takes at most a few seconds: what does not come in
        time is left out, and the log says so.
        """


class Volumes(Protocol):
    """Volumes, from the specs of services and from the engine that the bot speaks to."""

    async def mounted(self, stack: str) -> tuple[VolumeMount, ...]:
        """The volumes that the services of a stack mount (of all services for ""), by name."""

    async def live(self) -> Mapping[str, LiveVolume]:
        """The volumes that the bot's own engine has, by name; other nodes cannot be asked."""


class Reachability(Protocol):
    """Whether a server answers, seen from the bot."""

    async def tcp(self, host: str, port: int) -> Reach:
        """Try to connect, for a few seconds at most. Raises nothing."""
