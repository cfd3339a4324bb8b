"""The demo's swarm: two stacks, a broken service, and a registry that asks for a login."""

from __future__ import annotations

import pytest

from playground.swarm.furnished import service
from playground.swarm.model import State, Task
from playground.swarm.requests import Requests
from playground.swarm.showcase import BROKEN, REGISTRY, showcase
from playground.swarm.simulation import Simulation

NOW = 1_800_000_000.0


def tasks(simulation: Simulation, name: str) -> list[Task]:
    return simulation.store.tasks_of(Requests(simulation).service(name).id)


def running(simulation: Simulation, name: str) -> int:
    return sum(task.status.state is State.RUNNING for task in tasks(simulation, name))


@pytest.mark.parametrize("seed", range(1, 6))
def test_everything_runs_but_one_service(seed: int) -> None:
    simulation = showcase(now=NOW, seed=seed)

    services = simulation.store.services.values()
    counts = {each.name: running(simulation, each.name) for each in services}

    assert counts.pop("portainer_agent") == len(simulation.store.nodes)
    assert counts.pop(BROKEN) == 0
    assert set(counts.values()) == {1}
    broken = Requests(simulation).service(BROKEN)
    assert broken.update is not None
    assert broken.update.state == "paused"
    assert (
        tasks(simulation, BROKEN)[-1]
        .spec["ContainerSpec"]["Image"]
        .startswith(f"{REGISTRY}/portainer/server:2.22.0")
    )


def test_the_broken_service_runs_again_after_a_roll_back() -> None:
    simulation = showcase(now=NOW)
    requests = Requests(simulation)
    broken = requests.service(BROKEN)

    requests.update_service(broken.id, broken.meta.version, broken.spec, "previous")
    simulation.advance(NOW + 20.0)

    assert running(simulation, BROKEN) == 1


def test_a_service_without_a_login_cannot_have_a_private_image() -> None:
    simulation = showcase(now=NOW)
    image = f"{REGISTRY}/orochi/worker:2.1"

    Requests(simulation).create_service(service("other", image))
    simulation.advance(NOW + 5.0)

    rejected = tasks(simulation, "orochi_other")[0].status
    assert (rejected.state, rejected.err) == (State.REJECTED, f"No such image: {image}")
