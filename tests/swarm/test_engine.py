"""The swarm adapter against real engines (20.10, API 1.41 and whatever else the lab runs)."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.swarm.model import Mode
from bot.swarm.engine import DockerSwarm
from tests.contract.engine_contract import EngineContract, allow, changed_paths
from tests.lab.swarm import Lab


class TestEngine(EngineContract):
    """The contract, on real engines."""


async def test_a_job_is_scaled_by_its_completions(lab_factory: Callable[..., Lab]) -> None:
    # This test has a lab of its own: the engine keeps a job's tasks for ever when the job is
    # removed.
    lab = lab_factory(nodes=1)
    swarm = DockerSwarm(lab.manager.socket)
    lab.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--name", "once",
        "--mode", "replicated-job", "--replicas", "2", "--max-concurrent", "1",
        "lab/busy:1", "/bin/serve",
    )  # fmt: skip
    before = lab.client().inspect_service("once")

    await swarm.set_replicas("once", 5, allow)
    service = await swarm.service("once")
    await swarm.aclose()

    after = lab.client().inspect_service("once")
    assert changed_paths(before["Spec"], after["Spec"]) == ["/Mode/ReplicatedJob/TotalCompletions"]
    assert (service.mode, service.replicas, service.max_concurrent) == (Mode.REPLICATED_JOB, 5, 1)
