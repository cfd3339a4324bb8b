"""Rolling updates of the demo's swarm that are disturbed half-way."""

from __future__ import annotations

import copy
from collections import Counter

import pytest

from playground.swarm.faults import SwarmFaults
from playground.swarm.furnished import furnished
from playground.swarm.model import State
from playground.swarm.requests import Requests
from playground.swarm.simulation import Simulation

NOW = 1_800_000_000.0
WORKER = "orochi_worker01"


def update(simulation: Simulation, *, parallelism: int, forced: int) -> None:
    """Set four replicas, and restart them if ``forced`` is new."""
    service = simulation.store.service_named(WORKER)
    assert service is not None
    spec = copy.deepcopy(dict(service.spec))
    spec["Mode"] = {"Replicated": {"Replicas": 4}}
    spec["UpdateConfig"] = {"Parallelism": parallelism, "FailureAction": "pause"}
    spec["TaskTemplate"]["ForceUpdate"] = forced
    Requests(simulation).update_service(service.id, service.meta.version, spec)


def running_in_each_slot(simulation: Simulation) -> Counter[int]:
    """How many tasks that should run do, by slot."""
    service = simulation.store.service_named(WORKER)
    assert service is not None
    tasks = simulation.store.tasks_of(service.id)
    return Counter(t.slot for t in tasks if t.live and t.status.state is State.RUNNING)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_restart_that_is_paused_half_way_leaves_one_task_in_each_slot(
    parallelism: int, seed: int
) -> None:
    """Tasks of slots that the update has not reached yet crash too, and are replaced."""
    simulation = furnished(now=NOW, seed=seed)
    faults = SwarmFaults(simulation)
    update(simulation, parallelism=parallelism, forced=0)
    simulation.advance(NOW + 20)
    update(simulation, parallelism=parallelism, forced=1)
    simulation.advance(NOW + 20.3)
    faults.crash_loop(WORKER)
    simulation.advance(NOW + 35)
    faults.mend()
    simulation.advance(NOW + 95)

    assert running_in_each_slot(simulation) == {1: 1, 2: 1, 3: 1, 4: 1}
