"""Logs of tasks as the engine sends them: pure (Engine API, "Attach to a container")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from playground.swarm.model import Task
from playground.swarm.render import time_text
from playground.swarm.simulation import Simulation

_STDOUT: Final = 1
_STDERR: Final = 2
_ALL: Final = 10**9


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of a log request: ``tail`` lines of each task that came after ``since``."""

    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    details: bool = False
    since: float = 0.0
    tail: int = _ALL


def frames(simulation: Simulation, tasks: Iterable[Task], wanted: Wanted) -> Iterator[bytes]:
    """The lines of these tasks ordered by time, each in a frame of its own."""
    found = [line for task in tasks for line in _of_task(simulation, task, wanted)]
    for at, order in sorted((at, number) for number, (at, _, _) in enumerate(found)):
        del at
        _, stream, text = found[order]
        data = text.encode()
        yield bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def unreachable(simulation: Simulation, tasks: Iterable[Task]) -> bool:
    """Whether some of the logs are on a node whose engine does not answer: they never arrive."""
    nodes = simulation.store.nodes
    return any(task.node_id in nodes and not nodes[task.node_id].powered for task in tasks)


def _of_task(simulation: Simulation, task: Task, wanted: Wanted) -> list[tuple[float, int, str]]:
    node = simulation.store.nodes.get(task.node_id)
    container = simulation.agent.containers.by_task.get(task.id)
    if container is None or node is None or not node.powered:
        return []
    lines = []
    for at, line in container.log(simulation.timeline.now):
        asked = wanted.stderr if line.stderr else wanted.stdout
        if asked and at >= wanted.since:
            stream = _STDERR if line.stderr else _STDOUT
            lines.append((at, stream, f"{_head(task, at, wanted)}{line.text}\n"))
    return lines[-wanted.tail :] if wanted.tail else []


def _head(task: Task, at: float, wanted: Wanted) -> str:
    head = f"{time_text(at)} " if wanted.timestamps else ""
    if wanted.details:
        ids = {"node": task.node_id, "service": task.service_id, "task": task.id}
        head += ",".join(f"com.docker.swarm.{key}.id={value}" for key, value in ids.items()) + " "
    return head
