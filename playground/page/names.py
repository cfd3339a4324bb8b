"""The names that the page suggests while somebody types: those of the swarm as it is now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from playground.slack import Json


@dataclass(frozen=True, slots=True)
class Names:
    """Services as people type them, stacks, and the hostnames of nodes; each in order."""

    services: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """The names as JSON for the page."""
        return asdict(self)


NameSource = Callable[[], Awaitable[Names]]


async def no_names() -> Names:
    """Nothing to suggest but the commands."""
    return Names()
