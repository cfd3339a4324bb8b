"""What an engine stores about its containers beyond the tasks' states: pure values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from playground.swarm.programs import Program
from playground.swarm.shell import Line

_KEPT: Final = 5000
_PROBES: Final = 5


@dataclass(frozen=True, slots=True)
class ContainerProbe:
    """One run of a health check."""

    at: float
    code: int
    output: str


@dataclass(slots=True)
class Container:
    """One container. ``ended`` is None while it runs; ``health`` is "" without a check."""

    id: str
    task_id: str
    service_id: str
    node_id: str
    program: Program
    pid: int
    started: float = 0.0
    ended: float | None = None
    code: int = 0
    out_of_memory: bool = False
    health: str = ""
    probes: list[ContainerProbe] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return bool(self.started) and self.ended is None

    def log(self, until: float) -> Iterator[tuple[float, Line]]:
        """The lines written so far, each with its time."""
        end = until if self.ended is None else min(until, self.ended)
        for line in self.program.lines:
            if self.started and self.started + line.after <= end:
                yield self.started + line.after, line

    def note(self, probe: ContainerProbe) -> None:
        """Add a probe; only the last few are kept."""
        self.probes = [*self.probes, probe][-_PROBES:]


class Containers:
    """All containers of all engines, by id and by task; the oldest are forgotten."""

    def __init__(self) -> None:
        self.by_id: dict[str, Container] = {}
        self.by_task: dict[str, Container] = {}

    def add(self, container: Container) -> Container:
        """Add a container."""
        self.by_id[container.id] = container
        self.by_task[container.task_id] = container
        while len(self.by_id) > _KEPT and (old := self._oldest_ended()):
            del self.by_id[old.id]
            self.by_task.pop(old.task_id, None)
        return container

    def _oldest_ended(self) -> Container | None:
        return next((one for one in self.by_id.values() if one.ended is not None), None)
