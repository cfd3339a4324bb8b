"""Free resources of a node: those that no task there has reserved.

The scheduler uses the same measure (swarmkit manager/scheduler/nodeinfo.go); actual usage does not
matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.domain.swarm.model import Node, Resources, Task, TaskState
from bot.domain.swarm.placement import holds_its_place


def free_on(node: Node, tasks: Iterable[Task]) -> Resources:
    """What can still be reserved on a node; ``tasks`` are all with desired state running."""
    there = [task for task in tasks if task.node_id == node.id and holds_its_place(task)]
    return Resources(
        node.resources.nano_cpus - sum(task.reservation.nano_cpus for task in there),
        node.resources.memory - sum(task.reservation.memory for task in there),
    )


def running_on(node: Node, tasks: Iterable[Task]) -> int:
    """The number of tasks with desired state running that run on a node."""
    return sum(task.node_id == node.id and task.state is TaskState.RUNNING for task in tasks)


def usual_version(nodes: Sequence[Node]) -> str:
    """The engine version of most nodes, of several the newest; "" if none is known."""
    counts = Counter(node.engine_version for node in nodes if node.engine_version)
    return max(counts, key=lambda version: (counts[version], _numbers(version)), default="")


def _numbers(version: str) -> tuple[int, ...]:
    """A comparable form of a version: ``20.10.24+dfsg1`` is (20, 10, 24)."""
    parts = version.partition("+")[0].partition("-")[0].split(".")
    return tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in parts)
