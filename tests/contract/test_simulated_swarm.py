"""The demo's swarm fulfils the contracts of real ones: engine, scheduler, feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from bot.domain.errors import LeaseLostError, RegistryError
from bot.domain.swarm.model import Availability, Mode, Platform
from bot.ports import Feed
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.nodes import DockerNodes
from bot.swarm.poll_feed import PollFeed
from bot.swarm.push_feed import PushFeed
from bot.swarm.registry import DockerRegistry
from playground.swarm.images import digest
from playground.swarm.programs import Image
from tests.contract.cache_contract import CacheContract
from tests.contract.changes_contract import ChangesContract
from tests.contract.engine_contract import EngineContract, allow, changed_paths
from tests.contract.feed_contract import FeedContract
from tests.contract.placement_contract import PlacementContract
from tests.contract.private_registry_contract import PrivateRegistryContract
from tests.contract.simulated_lab import SimulatedLab
from tests.lab.registry import LOGIN
from tests.lab.waiting import wait_until


@pytest.fixture
def lab() -> Iterator[SimulatedLab]:
    """A simulated swarm of three managers, for one test."""
    with SimulatedLab() as found:
        yield found


class TestSimulatedEngine(EngineContract):
    """The engine's contract, on the simulation."""

    async def test_a_job_is_scaled_by_its_completions(
        self, lab: SimulatedLab, swarm: DockerSwarm
    ) -> None:
        lab.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image", "--name", "once",
            "--mode", "replicated-job", "--replicas", "2", "--max-concurrent", "1",
            "lab/busy:1", "/bin/serve",
        )  # fmt: skip
        before = lab.client().inspect_service("once")

        await swarm.set_replicas("once", 5, allow)

        service, after = await swarm.service("once"), lab.client().inspect_service("once")
        paths = changed_paths(before["Spec"], after["Spec"])
        assert paths == ["/Mode/ReplicatedJob/TotalCompletions"]
        assert (service.mode, service.replicas, service.max_concurrent) == (
            Mode.REPLICATED_JOB, 5, 1
        )  # fmt: skip

    async def test_fields_that_only_the_newest_api_has_survive_every_change(
        self, lab: SimulatedLab, swarm: DockerSwarm
    ) -> None:
        """Posted in an older version, the swap settings would go and all tasks be replaced."""
        lab.create_service("cache", "/bin/serve")
        limits = {"Resources": {"SwapBytes": 2**28, "MemorySwappiness": 10}}
        _post_spec(lab, "cache", "1.52", limits)
        before = lab.client().inspect_service("cache")["Spec"]
        assert before["TaskTemplate"]["Resources"] == limits["Resources"]

        await swarm.set_replicas("cache", 3, allow)
        scaled = lab.client().inspect_service("cache")["Spec"]
        restarted_by = await swarm.force_update("cache", 1, allow)
        restarted = lab.client().inspect_service("cache")

        assert restarted_by.changed
        assert changed_paths(before, scaled) == ["/Mode/Replicated/Replicas"]
        assert changed_paths(scaled, restarted["Spec"]) == ["/TaskTemplate/ForceUpdate"]

        previous = (await swarm.service("cache")).previous
        assert previous is not None
        await swarm.roll_back("cache", previous.digest, allow)
        back = lab.client().inspect_service("cache")["Spec"]
        assert changed_paths(scaled, back) in ([], ["/TaskTemplate/ForceUpdate"])

    async def test_an_older_version_of_the_api_loses_newer_fields(self, lab: SimulatedLab) -> None:
        """As moby's adjustForAPIVersion does: the difference between the versions is simulated."""
        lab.create_service("cache", "/bin/serve")
        _post_spec(lab, "cache", "1.51", {"Resources": {"SwapBytes": 2**28, "Limits": {"Pids": 9}}})

        found = lab.client().inspect_service("cache")["Spec"]["TaskTemplate"]["Resources"]
        assert found == {"Limits": {"Pids": 9}}


def _post_spec(lab: SimulatedLab, name: str, version: str, template: Mapping[str, object]) -> None:
    """Update a service's template in a version of the API."""
    client = lab.client()
    raw = client.inspect_service(name)
    spec = {**raw["Spec"], "TaskTemplate": {**raw["Spec"]["TaskTemplate"], **template}}
    url = f"{client.base_url}/v{version}/services/{raw['ID']}/update"
    client.post(url, params={"version": raw["Version"]["Index"]}, json=spec).raise_for_status()


class TestSimulatedChanges(ChangesContract):
    """The contract of forced updates and roll backs, on the simulation."""


class PrivateShelf:
    """A simulated registry that asks for a login, with an image."""

    address = "registry.example.net"

    def __init__(self, lab: SimulatedLab) -> None:
        self._registry = lab.simulation.registry
        self._registry.logins[self.address] = LOGIN
        self._registry.add(Image(f"{self.address}/app:1", ("serve",), ("VERSION=1",)))

    def digest(self, name: str) -> str:
        return digest(self._registry.image(f"{self.address}/{name}"))


class TestSimulatedPrivateRegistry(PrivateRegistryContract):
    """The contract of engines with a registry that asks for a login, on the simulation."""

    @pytest.fixture
    def shelf(self, lab: SimulatedLab) -> PrivateShelf:
        return PrivateShelf(lab)


async def test_an_image_for_other_processors_is_listed_but_cannot_be_pulled(
    lab: SimulatedLab,
) -> None:
    connection, name = Connection(lab.manager.socket), "example/app:arm"
    lab.simulation.registry.add(Image(name, ("serve",), architecture="arm64"))
    found = await DockerRegistry(connection).look_up(name)
    connection.close()
    lab.create_service("arm", "/bin/serve", image=name)
    task = wait_until(lambda: _ended(lab, "arm"), "a rejected task")

    assert found.platforms == (Platform("linux", "arm64"),)
    assert (task["Status"]["State"], task["Status"]["Err"]) == (
        "rejected",
        f"No such image: {name}",
    )


def _ended(lab: SimulatedLab, service: str) -> dict[str, Any] | None:
    found = lab.client().tasks({"service": service})
    return next((task for task in found if task["DesiredState"] == "shutdown"), None)


async def test_an_image_in_the_registry_has_the_keys_of_the_oci_specification(
    lab: SimulatedLab,
) -> None:
    """As in moby's api/types/registry: only the two outer keys are capitalised."""
    connection = Connection(lab.manager.socket)
    found = await connection.get("/distribution/mailhog/mailhog:v1.0.1/json")
    connection.close()

    assert set(found) == {"Descriptor", "Platforms"}
    assert set(found["Descriptor"]) == {"mediaType", "digest", "size"}
    assert found["Descriptor"]["digest"].startswith("sha256:")
    assert found["Platforms"] == [{"architecture": "amd64", "os": "linux"}]


async def test_a_tag_that_was_pushed_again_has_another_digest(lab: SimulatedLab) -> None:
    """What was pinned to the first one can still be pulled, as from a real registry."""
    connection = Connection(lab.manager.socket)
    registry, name = DockerRegistry(connection), "example/app:1"
    simulated = lab.simulation.registry
    simulated.add(Image(name, ("serve",), ("VERSION=1",)))
    first = await registry.look_up(name)
    simulated.add(Image(name, ("serve",), ("VERSION=2",)))
    second = await registry.look_up(name)
    with pytest.raises(RegistryError) as caught:
        await registry.look_up("example/app:2")
    connection.close()

    assert first.platforms == second.platforms == (Platform("linux", "amd64"),)
    assert first.digest != second.digest
    assert caught.value.kind == "image_missing"
    lab.docker("service", "create", "--detach", "--name", "old", f"{name}@{first.digest}")
    lab.wait_running("old", 1)


async def test_a_drained_node_that_was_activated_since_stays_active(lab: SimulatedLab) -> None:
    """The drain's replica lost its lease between its read and its write."""
    connection = Connection(lab.manager.socket)
    nodes = DockerNodes(connection)
    swarm = DockerSwarm(lab.manager.socket)
    (node, *_) = await swarm.nodes()

    with pytest.raises(LeaseLostError):
        await nodes.set_availability(node.id, Availability.DRAIN, still=lambda: False)

    assert (await nodes.node(node.id)).availability is Availability.ACTIVE
    assert await nodes.set_availability(node.id, Availability.DRAIN, still=lambda: True)
    await swarm.aclose()
    connection.close()


async def test_looks_share_nodes_that_have_not_changed(lab: SimulatedLab) -> None:
    """A job that drains a node keeps a look for each of its services."""
    swarm = DockerSwarm(lab.manager.socket)

    assert (await swarm.stack_look("")).nodes is await swarm.nodes()
    await swarm.aclose()


class TestSimulatedPlacement(PlacementContract):
    """The scheduler's contract, on the simulated one."""


class TestSimulatedPollFeed(FeedContract):
    """The feed's contract, with polling of the simulation."""

    @pytest.fixture
    async def feed(self, lab: SimulatedLab) -> AsyncIterator[Feed]:
        swarm = DockerSwarm(lab.manager.socket)
        yield PollFeed(swarm)
        await swarm.aclose()


class TestSimulatedPushFeed(FeedContract):
    """The feed's contract, with push from the simulation."""

    @pytest.fixture
    async def feed(self, lab: SimulatedLab) -> AsyncIterator[Feed]:
        trust = EngineTrust(lab.manager.socket)
        yield PushFeed(StreamClient(lab.manager.control_socket, trust))
        await trust.aclose()


class TestSimulatedCache(CacheContract):
    """The contract of the swarm in memory, on the simulation."""
