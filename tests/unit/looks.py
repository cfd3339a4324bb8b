"""Short constructors for services, tasks and nodes, and a machine to show them to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.convergence.machine import Convergence, Goal, StepResult, step
from bot.domain.convergence.probe_spec import Reading
from bot.domain.jobs.verdict import Outcome
from bot.domain.swarm.model import Look, Mode, Node, NodeState, Service, Task, TaskState

BEGAN = 1000.0
NODES = tuple(Node(id=f"n{i}", hostname=f"photon-machine-{i:02}") for i in range(1, 6))

NEW, PENDING = TaskState.NEW, TaskState.PENDING
ASSIGNED, STARTING = TaskState.ASSIGNED, TaskState.STARTING
PREPARING, READY, RUNNING = TaskState.PREPARING, TaskState.READY, TaskState.RUNNING
COMPLETE, SHUTDOWN, FAILED = TaskState.COMPLETE, TaskState.SHUTDOWN, TaskState.FAILED
REJECTED, REMOVE = TaskState.REJECTED, TaskState.REMOVE


def a_service(replicas: int | None = 3, **values: Any) -> Service:
    """A service ``stack_web`` with id ``s``, replicated by default."""
    mode = values.pop("mode", Mode.REPLICATED if replicas is not None else Mode.GLOBAL)
    defaults = {"id": "s", "name": "stack_web", "version": 1, "template": "v1", "stack": "stack"}
    return Service(**{**defaults, **values}, mode=mode, replicas=replicas)


def a_task(id_: str, slot: int = 1, state: TaskState = RUNNING, **values: Any) -> Task:
    """A task of that service; desired running until it ended, on node ``n1`` unless pending."""
    desired = values.pop("desired", SHUTDOWN if state.over else RUNNING)
    node = values.pop("node", "" if state is PENDING else "n1")
    values.setdefault("created", float(len(id_)))
    return Task(id_, "s", slot, node, state, desired, **values)


def running(*slots: int) -> tuple[Task, ...]:
    """One running task for each slot, with the ids ``r1``, ``r2`` …"""
    return tuple(a_task(f"r{slot}", slot) for slot in slots)


def failed(id_: str, slot: int = 1, code: int = 1, **values: Any) -> Task:
    """A task whose container ended with that code."""
    err = values.pop("err", f"task: non-zero exit ({code})")
    return a_task(id_, slot, FAILED, err=err, exit_code=code, container_id="c", **values)


def a_goal(replicas: int | None = 3, **values: Any) -> Goal:
    """The target of a job that was applied at ``BEGAN``."""
    return Goal("s", "stack_web", replicas, began=BEGAN, **values)


def nodes_with(state: NodeState, *ids: str) -> tuple[Node, ...]:
    """The five nodes, some of them in that state."""
    return tuple(replace(node, state=state) if node.id in ids else node for node in NODES)


class Machine:
    """Shows looks to one observation; times are seconds since the change."""

    def __init__(
        self, goal: Goal, service: Service | None = None, *, since: float | None = None
    ) -> None:
        self.goal = goal
        self.service = service or a_service(goal.replicas)
        self.nodes = NODES
        self.state = Convergence.start(goal)
        if since is not None:
            self.state = Convergence.on_probation(goal, BEGAN + since)

    def see(
        self,
        at: float,
        *tasks: Task,
        heard: tuple[Task, ...] = (),
        gone: bool = False,
        reading: Reading | None = None,
    ) -> StepResult:
        """One look at ``at``, with the result of the service's probe."""
        now = BEGAN + at
        look = Look(now, None if gone else self.service, tasks, self.nodes)
        result = step(self.state, look, heard, now, reading)
        self.state = result.state
        return result

    def verdict(self, at: float, *tasks: Task, heard: tuple[Task, ...] = ()) -> str | None:
        """The verdict after one look at ``at``, None while there is none."""
        found = self.see(at, *tasks, heard=heard).outcome
        return found.verdict.value if found else None

    def outcome(self, at: float, *tasks: Task, heard: tuple[Task, ...] = ()) -> Outcome:
        """The outcome after one look at ``at``; there must be one."""
        found = self.see(at, *tasks, heard=heard).outcome
        assert found is not None
        return found
