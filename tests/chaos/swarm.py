"""The simulated swarm on the stage, with a record of every write and every failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from playground.swarm.engine import SimulatedSwarm
from playground.swarm.faults import FaultError
from playground.swarm.model import Service, Spec, State, Task
from playground.swarm.requests import Requests
from playground.swarm.simulation import Machine, Simulation
from playground.swarm.store import StoreChange, StoreTransaction
from tests.chaos.recorded import Failure, Update
from tests.chaos.schedule import FAILING, SERVICES

IMAGE: Final = "lab/busy:1"
HOME: Final = "machine-01"
"""The node of the failing services; it is never drained."""
MANAGERS: Final = 3
MACHINES: Final = 5
_SECOND: Final = 10**9
_LABEL: Final = "com.docker.stack.namespace"


class RecordingRequests(Requests):
    """Performs writes and notes those that succeed."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.updates: list[Update] = []

    def create_service(self, body: Spec, auth: str = "") -> Service:
        """As the engine does."""
        made = super().create_service(body, auth)
        self._note(made.name, {}, made.spec)
        return made

    def update_service(
        self, key: str, version: int, body: Spec, rollback: str = "", auth: str = ""
    ) -> Service:
        """As the engine does."""
        before = self.service(key)
        after = super().update_service(key, version, body, rollback, auth)
        self._note(before.name, before.spec, after.spec)
        return after

    def remove_service(self, key: str) -> None:
        """As the engine does."""
        before = self.service(key)
        super().remove_service(key)
        self._note(before.name, before.spec, {})

    def update_node(self, key: str, version: int, body: Spec) -> None:
        """As the engine does."""
        before = self.node(key)
        super().update_node(key, version, body)
        after = self.node(before.id)
        availabilities = ({"Availability": each.availability} for each in (before, after))
        self._note(f"node:{before.hostname}", *availabilities)

    def _note(self, name: str, before: Spec, after: Spec) -> None:
        self.updates.append(Update(self.simulation.timeline.now, name, before, after))


class ChaosSwarm:
    """Five machines, the stack that people change, and two services that fail."""

    def __init__(self, folder: Path, *, seed: int, now: float) -> None:
        machines = [
            Machine(f"machine-{number:02d}", manager=number <= MANAGERS)
            for number in range(1, MACHINES + 1)
        ]
        self.simulation = Simulation(machines, now=now, seed=seed)
        self.engine = SimulatedSwarm(self.simulation, folder)
        self.requests = RecordingRequests(self.simulation)
        self.engine.requests = self.requests
        self.failures: list[Failure] = []
        self.simulation.store.committed.append(self._committed)

    def furnish(self) -> None:
        """Create the services that fail."""
        for name in FAILING:
            self.requests.create_service(_failing(name))
        self.engine.catch_up()

    def begin(self) -> None:
        """Forget what was recorded so far: it belongs to the furnishing."""
        self.requests.updates.clear()
        self.failures.clear()

    def fail(self, service: str, *, killed: bool) -> None:
        """End one of its containers, if one runs."""
        try:
            if killed:
                self.engine.faults.kill_task(service)
            else:
                self.engine.faults.crash_task(service)
        except FaultError:
            return
        self.engine.catch_up()

    def running(self) -> bool:
        """Whether all services have all of their tasks."""
        store = self.simulation.store
        return all(
            sum(task.status.state is State.RUNNING for task in store.tasks_of(each.id))
            >= each.replicas
            for each in store.services.values()
        )

    def services(self) -> dict[str, Spec]:
        """The present specs by full name."""
        return {each.name: each.spec for each in self.simulation.store.services.values()}

    def nodes(self) -> dict[str, str]:
        """The present availabilities."""
        nodes = self.simulation.store.nodes.values()
        return {f"node:{node.hostname}": node.availability for node in nodes}

    def _committed(self, transaction: StoreTransaction) -> None:
        self.failures += [
            failure for change in transaction.changes if (failure := self._failure(change))
        ]

    def _failure(self, change: StoreChange) -> Failure | None:
        task, before = change.object, change.before
        if not isinstance(task, Task) or not isinstance(before, Task):
            return None
        ended = task.status.state in {State.FAILED, State.REJECTED, State.COMPLETE}
        if not ended or before.ended or before.desired > State.COMPLETE:
            return None
        service = self.simulation.store.services.get(task.service_id)
        name = service.name if service else ""
        return Failure(task.status.at, task.id, name, task.status.exit_code)


def compose(releases: dict[str, int], replicas: int = 2) -> str:
    """The stack's file; a service with another release is changed by a deploy."""
    lines = ['version: "3.8"', "services:"]
    for name in SERVICES:
        lines += [
            f"  {name}:",
            f"    image: {IMAGE}",
            "    command: serve",
            "    stop_grace_period: 1s",
            f'    environment: {{RELEASE: "{releases.get(name, 0)}"}}',
            "    deploy:",
            f"      replicas: {replicas}",
            "      update_config: {parallelism: 0, monitor: 500ms}",
            "      restart_policy: {delay: 500ms}",
        ]
    return "\n".join([*lines, ""])


def _failing(name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Labels": {_LABEL: "noisy"},
        "TaskTemplate": {
            "ContainerSpec": {"Image": IMAGE, "Args": ["serve"]},
            "Placement": {"Constraints": [f"node.hostname=={HOME}"]},
            "RestartPolicy": {"Delay": _SECOND // 2},
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "UpdateConfig": {"Monitor": _SECOND // 2},
    }
