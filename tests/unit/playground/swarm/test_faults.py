"""Injected faults in the demo's swarm look like real failures, and can be repaired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from playground.swarm.faults import FaultError, SwarmFaults
from playground.swarm.furnished import furnished
from playground.swarm.model import State, Task
from playground.swarm.simulation import Simulation
from playground.swarm.store import StoreTransaction

NOW = 1_800_000_000.0
WORKER = "orochi_worker01"
End = tuple[str, str, int | None]


class Broken:
    """The guide's swarm, and the task ends from now on."""

    def __init__(self) -> None:
        self.simulation = furnished(now=NOW)
        self.faults = SwarmFaults(self.simulation)
        self.ends: dict[str, list[End]] = {}
        self.simulation.store.committed.append(self._note)

    def go_on(self, seconds: float) -> None:
        """Advance the time."""
        self.simulation.advance(self.simulation.timeline.now + seconds)

    def running(self, service: str) -> list[Task]:
        """The tasks of a service that run and should run."""
        found = self.simulation.store.service_named(service)
        assert found is not None
        tasks = self.simulation.store.tasks_of(found.id)
        return [task for task in tasks if task.status.state is State.RUNNING and task.live]

    def _note(self, transaction: StoreTransaction) -> None:
        for change in transaction.changes:
            task = change.object
            before = change.before
            if isinstance(task, Task) and isinstance(before, Task) and task.ended > before.ended:
                service = self.simulation.store.services[task.service_id]
                end = (task.status.state.name.lower(), task.status.err, task.status.exit_code)
                self.ends.setdefault(service.name, []).append(end)


@pytest.fixture
def broken() -> Broken:
    return Broken()


def test_the_guides_stack_runs_on_the_guides_machines() -> None:
    simulation = furnished(now=NOW)
    nodes = simulation.store.nodes.values()
    tasks = simulation.store.tasks.values()

    assert [node.hostname for node in nodes] == [f"photon-machine-{n:02d}" for n in range(1, 11)]
    assert [node.hostname for node in nodes if node.manager] == [
        f"photon-machine-{n:02d}" for n in range(1, 6)
    ]
    assert [node.hostname for node in nodes if node.leader] == ["photon-machine-03"]
    assert len(tasks) == len({task.node_id for task in tasks}) == 8
    assert all(task.status.state is State.RUNNING for task in tasks)


def test_the_same_seed_gives_the_same_course() -> None:
    def course(seed: int) -> list[object]:
        simulation = furnished(now=NOW, seed=seed)
        SwarmFaults(simulation).crash_loop(WORKER)
        simulation.advance(NOW + 60)
        return [change for one in simulation.store.log for change in one.changes]

    assert course(3) == course(3)
    assert course(3) != course(4)


@dataclass(frozen=True)
class Case:
    """Inject a fault; returns the first end of a task of the service."""

    do: Callable[[SwarmFaults], object]
    service: str
    end: End
    seconds: float = 12.0


CASES = {
    "killed": Case(
        lambda faults: faults.kill_task(WORKER),
        WORKER,
        ("failed", "task: non-zero exit (137)", 137),
    ),
    "out of memory": Case(
        lambda faults: faults.out_of_memory(WORKER),
        WORKER,
        ("failed", "task: non-zero exit (137)", 137),
    ),
    "crash loop": Case(
        lambda faults: faults.crash_loop("orochi_kib01"),
        "orochi_kib01",
        ("failed", "task: non-zero exit (1)", 1),
    ),
    "health check": Case(
        lambda faults: faults.fail_health("orochi_redis"), "orochi_redis", ("complete", "", 0)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_task_ends_as_on_a_real_swarm_and_is_replaced(broken: Broken, case: Case) -> None:
    case.do(broken.faults)
    broken.go_on(case.seconds)

    assert broken.ends[case.service][0] == case.end
    broken.faults.mend()
    broken.go_on(20)
    assert len(broken.running(case.service)) == 1


def test_only_its_own_node_reports_out_of_memory(broken: Broken) -> None:
    task_id = broken.faults.out_of_memory(WORKER)
    broken.go_on(1)

    assert broken.simulation.agent.containers.by_task[task_id].out_of_memory


def test_without_the_registry_new_tasks_are_rejected_after_twenty_seconds(broken: Broken) -> None:
    broken.faults.lose_registry()
    broken.faults.kill_task(WORKER)
    broken.go_on(15)
    assert [end[0] for end in broken.ends[WORKER]] == ["failed"]
    broken.go_on(10)

    assert broken.ends[WORKER][1] == ("rejected", "No such image: garanews/orochi_worker:latest", 0)


def test_broken_volumes_fail_at_the_mount(broken: Broken) -> None:
    broken.faults.break_volumes(WORKER)
    broken.go_on(12)

    state, err, code = broken.ends[WORKER][1]
    assert (state, code) == ("failed", 128)
    assert err.startswith("starting container failed: error while mounting volume '")
    assert err.endswith(": no such device")


def test_a_lost_node_is_reported_down_and_its_tasks_run_elsewhere(broken: Broken) -> None:
    (task,) = broken.running(WORKER)
    node = broken.simulation.store.nodes[task.node_id]
    broken.faults.stop_node(node.hostname)
    broken.go_on(15)
    assert broken.simulation.node(node.hostname).state == "ready"
    broken.go_on(7)

    lost = broken.simulation.node(node.hostname)
    assert (lost.state, lost.message) == ("down", "heartbeat failure")
    (other,) = broken.running(WORKER)
    assert other.node_id != node.id
    old = broken.simulation.store.tasks[task.id]
    assert (old.status.state, old.desired) == (State.RUNNING, State.SHUTDOWN)
    broken.faults.start_node(node.hostname)
    broken.go_on(2)
    ended = broken.simulation.store.tasks[task.id].status
    assert (ended.state, ended.err, ended.exit_code) == (
        State.FAILED,
        "task: non-zero exit (137)",
        137,
    )


def test_without_most_of_its_managers_the_swarm_has_no_leader(broken: Broken) -> None:
    def lose(*numbers: int) -> Simulation:
        for number in numbers:
            broken.faults.stop_node(f"photon-machine-{number:02d}")
        broken.go_on(5)
        return broken.simulation

    assert lose(3).has_leader, "another one leads"
    assert not lose(1, 2).has_leader
    broken.faults.mend()
    broken.go_on(5)
    assert broken.simulation.has_leader


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda faults: faults.kill_task("nope"), "no service nope"),
        (lambda faults: faults.stop_node("nope"), "no node nope"),
        (lambda faults: faults.out_of_memory("orochi_mailhog"), "no memory limit"),
        (lambda faults: faults.fail_health(WORKER), "no health check"),
        (lambda faults: faults.break_volumes("orochi_redis"), "no volume from an NFS server"),
    ],
)
def test_a_fault_that_is_impossible_gives_a_sentence(
    broken: Broken, do: Callable[[SwarmFaults], object], words: str
) -> None:
    with pytest.raises(FaultError, match=words):
        do(broken.faults)
